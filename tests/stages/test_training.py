import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tiny import SMALLEST_SETTINGS, TINY_SETTINGS

from asc_tf import stages
from asc_tf.data.cache import cached_features
from asc_tf.data.clips import hold_out_locations, read_clips
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.experiment.settings import Config
from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.pcen import Pcen
from asc_tf.runtime import Classifier

ONE_EPOCH = ["train.epochs=1", "train.warmup_epochs=0"]
SETTINGS = [*(setting for setting in TINY_SETTINGS if "epochs" not in setting), *ONE_EPOCH]


def quiet(line):
    """In place of `print`."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        ["bc-resnet", "model.width=8", "frontend.mel_bins=64", "model.norm_position=all", "model.learnable_lambda=bin"],
        ["bc-res2net", "model.width=4", "model.scale=2", "model.norm=rfn", "model.standardization=bin"],
        ["cp-mobile", "model.depth=1,1", "model.width=8", "frontend.mel_bins=64"],
        ["cp-resnet", "model.depth=none", "model.width=4", "model.rho=3"],
    ],
    ids=lambda network: network[0],
)  # fmt: skip
def test_every_network_trains_from_its_settings_and_is_evaluated(eager, synthetic_root, tmp_path, network):
    """BC-ResNet-ASC does in all other tests."""
    name, *settings = network
    config = Config().with_settings([*SETTINGS, f"model.network={name}", *settings])
    predictions = stages.train(synthetic_root, config, tmp_path / "run", report=quiet)
    assert len(predictions) == 90
    account = stages.account_of(tmp_path / "run")
    assert account.seconds == 1.0 and account.operations("network").macs > 0 and not account.unaccounted("network")
    expected = {"bc-resnet": ("ResidualNormalization", 5), "bc-res2net": ("RelaxedInstanceFrequencyNormalization", 4)}
    layer, count = expected.get(name, ("ResidualNormalization", 0))
    assert [each.operation for each in account.layers].count(layer) == count
    assert any("lambda" in tensor.name for tensor in account.parameters("network")) == (name == "bc-resnet")


@pytest.fixture(scope="module")
def baseline_run(synthetic_root, eager, tmp_path_factory):
    """A run on fixed PCEN, standardized by bin, evaluated. Do not change it."""
    pcen = ["frontend.compression=pcen", "model.standardization=bin"]
    config = Config().with_settings([*SMALLEST_SETTINGS, *ONE_EPOCH, *pcen])
    run = tmp_path_factory.mktemp("baseline") / "run"
    stages.train(synthetic_root, config, run, report=quiet)
    stages.evaluate(run, report=quiet)
    return run


@pytest.fixture(scope="module")
def baseline_export(baseline_run, tmp_path_factory):
    """(path of the .tflite file of `baseline_run`, largest difference of a probability)."""
    path, _, agreement = stages.export(baseline_run, tmp_path_factory.mktemp("export") / "model.tflite")
    return path, agreement.difference


def trained_on(run, root):
    """Clips of the training part without the validation's."""
    config, _ = read_run(run)
    clips = read_clips(root)
    clips = clips[clips.split == "train"].reset_index(drop=True)
    return clips[~hold_out_locations(clips, config.data.validation_fraction, config.seed)]


def test_global_freq_norm_takes_its_statistics_from_the_clips_that_are_trained_on(baseline_run, synthetic_root):
    config, dataset = read_run(baseline_run)
    clips = trained_on(baseline_run, synthetic_root)
    frontend = build_frontend(config)
    assert type(frontend) is Pcen
    features = np.array(cached_features(synthetic_root, clips, frontend, 1.0)[:], np.float64)
    assert len(dataset.feature_mean) == 32 and isinstance(dataset.feature_mean, tuple)
    np.testing.assert_allclose(dataset.feature_mean, features.mean(axis=(0, 2)), rtol=1e-9)
    np.testing.assert_allclose(dataset.feature_std, features.std(axis=(0, 2)), rtol=1e-6)
    layer = load_model(baseline_run).get_layer("standardize")
    standardized = layer(features.astype(np.float32)[..., None]).numpy()
    np.testing.assert_allclose(standardized.mean(axis=(0, 2, 3)), 0, atol=1e-3)
    np.testing.assert_allclose(standardized.std(axis=(0, 2, 3)), 1, atol=1e-2)


def test_the_exported_file_holds_pcen_and_the_statistics(baseline_run, baseline_export, synthetic_root):
    path, difference = baseline_export
    assert difference < 1e-5
    names = {details["op_name"] for details in Interpreter(str(path))._get_ops_details()}
    assert "POW" in names and not [name for name in names if name.startswith("Flex") or name == "CUSTOM"]
    classifier = Classifier(path)
    assert classifier.metadata.frontend == {"class": "Pcen", **Pcen(mel_bins=32).settings()}
    predictions = stages.predict_test(baseline_run, report=quiet).set_index("clip_id")
    clips = read_clips(synthetic_root)
    for clip in clips[clips.split == "test"].iloc[::30].itertuples():
        expected = predictions.loc[clip.clip_id, [f"p({scene})" for scene in classifier.labels]]
        found = classifier.classify_file(synthetic_root / clip.filename)
        np.testing.assert_allclose(found, expected.astype(float), atol=1e-3)


def test_the_account_of_the_file_counts_pcen_as_the_frontends(baseline_run, baseline_export):
    file, network = stages.account_of(baseline_export[0]), stages.account_of(baseline_run)
    assert file.operations("network").macs == network.operations("network").macs
    assert file.operations("frontend").functions == 2 * 32 * 34, "two powers a value, in place of one logarithm"
    assert not file.unaccounted("frontend")


def test_a_run_of_pcen_by_bins_is_known_again_and_evaluated_in_pieces(baseline_run, synthetic_root):
    config, _ = read_run(baseline_run)
    assert len(stages.train(synthetic_root, config, baseline_run, report=quiet)) == 90
    assert len(stages.predict_test(baseline_run, seconds=0.5, report=quiet)) == 180
    assert json.loads((baseline_run / "config.json").read_text())["frontend"]["compression"] == "pcen"


@pytest.mark.slow
def test_streamed_pcen_gives_the_same_statistics(baseline_run, synthetic_root, tmp_path):
    config, dataset = read_run(baseline_run)
    streamed = config.with_settings(["data.features=stream"])
    stages.train(synthetic_root, streamed, tmp_path / "run", report=quiet)
    _, other = read_run(tmp_path / "run")
    assert other == dataset


def test_the_frontend_of_settings_of_before_pcen_is_the_same_log_mel():
    assert type(build_frontend(Config())) is LogMel
    assert build_frontend(Config()).settings() == LogMel().settings() and "compression" not in LogMel().settings()


@pytest.mark.slow
def test_a_training_in_mixed_precision_says_its_device_and_leaves_a_float32_run(
    synthetic_root, smallest_config, tmp_path
):
    config, lines = smallest_config.with_settings(["train.precision=mixed_float16"]), []
    stages.train(synthetic_root, config, tmp_path / "run", report=lines.append)
    assert lines[0].startswith("training on ")
    network = load_model(tmp_path / "run")
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    path, _, _ = stages.export(tmp_path / "run", tmp_path / "model.tflite", report=quiet)
    assert Classifier(path).samples == 16000
