"""The device translator from pairs to a training that reads its clips, on the embedded data set."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import tf_keras as keras

from asc_tf import stages
from asc_tf.data.clips import read_clips, scenes_of
from asc_tf.data.synthetic import write_synthetic
from asc_tf.errors import AscError
from asc_tf.experiment.command_settings import Translation
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.run_folder import read_run
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.stages import training, training_data, translation
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import with_translated

FRONTEND = FrontendConfig(mel_bins=32)
SETTINGS = Translation(
    "a", ("s1", "b"), width=2, depth=1, residual_blocks=1, epochs=2, frames=16, min_correlation=0.3, held_out=0.3
)


def quiet(line):
    """In place of `print`."""


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "STEPS_PER_EPOCH", 3)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "synthetic"
    write_synthetic(root, clips=70, seconds=1.0)
    return root


@pytest.fixture(scope="module")
def translator(root, eager, tmp_path_factory):
    """(folder, table of distances). Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("translator") / "t"
    return folder, stages.train_translator(root, SETTINGS, folder, FRONTEND, report=quiet)


@pytest.fixture(scope="module")
def applied(root, translator):
    return stages.apply_translator(translator[0], report=quiet)


@pytest.mark.slow
def test_the_folder_holds_all_that_was_made(translator):
    folder, distances = translator
    names = {"translator.json", "pairs.csv", "pairs.npy", "checkpoints", "history.csv", "generator.keras"}
    assert {path.name for path in folder.iterdir()} == names | {"distances.csv", "translation.png", "SHA256SUMS"}
    assert list(distances.index) == ["b", "s1", "all"]
    pairs = pd.read_csv(folder / "pairs.csv")
    assert distances.pairs["all"] == pairs.held_out.sum()
    assert list(pd.read_csv(folder / "distances.csv").device) == ["b", "s1", "all"]
    assert (folder / "translation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_only_the_training_part_is_read_and_locations_are_held_out(translator, root):
    pairs = pd.read_csv(translator[0] / "pairs.csv")
    clips = read_clips(root).set_index("filename")
    assert set(clips.split[[*pairs.source, *pairs.target]]) == {"train"}
    kept = pairs[pairs.kept]
    assert set(kept.device[kept.held_out]) == {"b", "s1"} == set(kept.device[~kept.held_out])
    assert not set(kept.location[kept.held_out]) & set(kept.location[~kept.held_out])
    assert len(np.load(translator[0] / "pairs.npy")) == len(kept)


@pytest.mark.slow
def test_distances_are_those_of_the_held_out_pairs(translator):
    folder, distances = translator
    pairs, features = pd.read_csv(folder / "pairs.csv"), np.load(folder / "pairs.npy").astype(np.float64)
    kept = pairs[pairs.kept].reset_index(drop=True)
    difference = features[:, 1] - features[:, 0]
    own = (kept.device == "b").to_numpy()
    held_out = kept.held_out.to_numpy()
    filtered = difference[own & ~held_out].mean(axis=(0, 2))[:, np.newaxis]
    for column, left in (("untranslated", difference), ("filtered", difference - filtered)):
        rms = 10 / np.log(10) * np.sqrt((left[own & held_out] ** 2).mean(axis=(1, 2)))
        assert distances.loc["b", column] == pytest.approx(rms.mean(), rel=1e-4)
    assert distances.ratio["b"] == distances.translated["b"] / distances.untranslated["b"]
    assert distances.filtered["all"] < distances.untranslated["all"], "a device is a filter above all"


@pytest.mark.slow
def test_a_training_that_was_interrupted_ends_with_the_same_generator(translator, root, tmp_path):
    folder = tmp_path / "t"
    shutil.copytree(translator[0], folder)
    for name in ("generator.keras", "distances.csv", "translation.png"):
        (folder / name).unlink()
    shutil.rmtree(folder / "checkpoints")
    stop = RuntimeError("killed")

    def report(line):
        if line.startswith("epoch 1/"):
            raise stop

    with pytest.raises(RuntimeError, match="killed"):
        stages.train_translator(root, SETTINGS, folder, FRONTEND, report=report)
    lines = []
    distances = stages.train_translator(root, SETTINGS, folder, FRONTEND, report=lines.append)
    assert "going on after epoch 1" in lines
    pd.testing.assert_frame_equal(distances, translator[1])
    one, other = (keras.models.load_model(path / "generator.keras").get_weights() for path in (folder, translator[0]))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_the_same_call_again_trains_nothing(translator, root, monkeypatch):
    monkeypatch.setattr(translation, "resumable_fit", None)
    again = stages.train_translator(root, SETTINGS, translator[0], FRONTEND, report=quiet)
    pd.testing.assert_frame_equal(again, translator[1])


@pytest.mark.slow
def test_every_training_clip_of_the_source_is_translated_to_every_target(applied, root):
    count, folder = applied
    clips = read_clips(root)
    assert count == 2 * ((clips.split == "train") & (clips.device == "a")).sum()
    assert folder == root.resolve() / "features" / "translated"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["cache", "stream"])
def test_training_reads_the_translated_clips_of_the_clips_that_it_trains_on(
    applied, root, smallest_config, tmp_path, monkeypatch, source
):
    settings = ["data.translated=translated", "train.epochs=1", "train.warmup_epochs=0", f"data.features={source}"]
    if source == "stream":  # through impulse responses, which translated clips have no waveform for
        (tmp_path / "responses").mkdir()
        soundfile.write(tmp_path / "responses" / "one.wav", [0.5, 0.2, -0.1], 16000)
        settings.append(f"augment.impulse_responses={tmp_path / 'responses'}")
    config = smallest_config.with_settings(settings)
    seen, lines, fit = [], [], training.fit

    def noted(folder, experiment, *others, **more):
        seen.append(experiment)
        fit(folder, experiment, *others, **more)

    monkeypatch.setattr(training, "fit", noted)
    stages.train(root, config, tmp_path / "run", report=lines.append)
    clips, own, validation = training_data.split_clips(root, config)
    by_a = own[(clips.device[own] == "a").to_numpy()]
    (read,) = seen
    assert len(read.training) == len(own) + 2 * len(by_a)
    assert f"and {2 * len(by_a)} translated training clips" in lines
    np.testing.assert_array_equal(read.validation, validation)
    features, labels = read.features, read.labels
    translated = read.training[len(own) :]
    np.testing.assert_array_equal(labels[translated], np.tile(labels[by_a], 2))
    source, changed = (features[rows].astype(np.float32) for rows in (by_a, translated[: len(by_a)]))
    assert 0.1 < np.abs(changed - source).mean() < 3
    _, dataset = read_run(tmp_path / "run")
    both = features[read.training].astype(np.float64)
    assert dataset.feature_mean == pytest.approx(both.mean(), abs=1e-6)


@pytest.mark.slow
def test_clips_held_out_from_a_training_do_not_come_back_translated(applied, root, smallest_config):
    config = smallest_config.with_settings(["data.translated=translated", "data.validation_fraction=0.4"])
    read = Experiment.begin(root, config).with_features(root, quiet)
    added = read.clips.iloc[read.training[len(read.recorded) :]]
    assert len(added) and not set(added.location) & set(read.clips.location.iloc[read.validation])


@pytest.mark.slow
def test_a_device_that_is_left_out_is_not_heard_translated_either(applied, root, smallest_config):
    whole = Experiment.begin(root, smallest_config).with_features(root, quiet)
    clips, features = whole.clips, whole.features
    for left_out, expected in (("s1", {"b"}), ("b,s1", set()), ("a", set())):
        config = smallest_config.with_settings(["data.translated=translated", f"data.leave_out={left_out}"])
        own = whole.training[~clips.device.iloc[whole.training].isin(config.data.leave_out)]
        more = with_translated(dataclasses.replace(whole, config=config, recorded=own, training=own))
        added = more.clips.iloc[more.training[len(own) :]]
        assert set(added.device) == expected, "none are made of clips of device a where that is left out"
        assert len(more.features) == len(more.clips) == len(clips) + len(added)
        np.testing.assert_array_equal(more.features[more.training[:2]], features[own[:2]])


@pytest.mark.slow
def test_an_experiment_that_goes_on_trains_on_them_as_well(applied, root, smallest_config, tmp_path):
    config = smallest_config.with_settings(["data.translated=translated"])
    clips, own, validation = training_data.split_clips(root, config)
    dataset = Dataset(str(root), tuple(scenes_of(clips)), ("a",), 1.0, 0.0, 1.0)
    read = Experiment.again(config, dataset).with_features(tmp_path, quiet)
    assert len(read.training) == len(own) + 2 * (clips.device[own] == "a").sum()
    assert len(read.features) == len(read.labels) == len(clips) + len(read.training) - len(own)
    np.testing.assert_array_equal(read.recorded, own)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "--width 0: expected a value from 1 to 1,024"),
        ({"frames": 1}, "--frames 1: expected a value from 2"),
        ({"sub_bands": 5}, "32 mel bins cannot be halved 1 times into 5 sub-bands"),
        ({"targets": ("s4",)}, "device 's4' has no clips in the training part"),
        ({"min_correlation": 1.0}, "none of its .* pairs correlates by 1 or more"),
    ],
)
def test_settings_that_cannot_be_used_leave_nothing_behind(synthetic_root, tmp_path, changes, message):
    changed = dataclasses.replace(SETTINGS, **changes)
    with pytest.raises(AscError, match=message):
        stages.train_translator(synthetic_root, changed, tmp_path / "t", FRONTEND, report=quiet)
    assert not (tmp_path / "t").exists()


def test_pcen_is_refused(synthetic_root, tmp_path):
    pcen = FrontendConfig(mel_bins=32, compression="pcen")
    with pytest.raises(AscError, match="frontend.compression is pcen; expected log for a translator"):
        stages.train_translator(synthetic_root, SETTINGS, tmp_path / "t", pcen, report=quiet)
