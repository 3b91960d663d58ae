"""asc-tf finetune: both phases, the log of the drop rate, going on to the bit, and what it refuses."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.models.network_file import read_network
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.fitting import validation_log_loss
from asc_tf.training.device_drop import drop_rate

pytestmark = pytest.mark.usefixtures("eager")

SETTINGS = ["finetune.epochs=2", "finetune.classifier_epochs=1", "finetune.learning_rate=1e-3"]
# Two batches an epoch: 40 clips less the validation part, 16 at a time.
STEPS = 2 * 2


@pytest.fixture(scope="module")
def pretrained(smallest_run, smallest_config, tmp_path_factory):
    """`smallest_run`, but fine-tuned with deterministic kernels."""
    run = shutil.copytree(smallest_run, tmp_path_factory.mktemp("pretrained") / "run")
    (run / "SHA256SUMS").unlink()  # the change is meant
    (run / "config.json").write_text(smallest_config.with_settings(["deterministic=true"]).to_json())
    return run


@pytest.fixture(scope="module")
def tuned(pretrained, tmp_path_factory):
    out = tmp_path_factory.mktemp("tuned") / "run"
    stages.finetune(pretrained, out, SETTINGS, report=lambda line: None)
    return out


def test_the_fine_tuned_network_is_a_run(tuned, pretrained):
    assert "accuracy %" in stages.evaluate(tuned)
    config, dataset = read_run(tuned)
    before, same = read_run(pretrained)
    assert dataset == same and config.finetune.epochs == 2
    assert {line.split(":")[0] for line in config.differences(before)} == {s.split("=")[0] for s in SETTINGS}
    assert len(pd.read_csv(tuned / "history.csv")) == 2 and len(pd.read_csv(tuned / "classifier" / "history.csv")) == 1


def test_the_drop_rate_of_every_step_is_listed(tuned):
    log = pd.read_csv(tuned / "drop_rates.csv")
    assert log.step.tolist() == list(range(STEPS))
    np.testing.assert_allclose(log.drop_rate, drop_rate(np.arange(STEPS), STEPS, 0.9), atol=1e-7)


def test_first_the_classifier_alone_then_everything(tuned, pretrained):
    before, between, after = (
        {(layer.name, i): w.numpy() for layer in model.layers for i, w in enumerate(layer.weights)}
        for model in (
            load_model(pretrained),
            keras.models.load_model(tuned / "classifier" / "model.keras", compile=False),
            load_model(tuned),
        )
    )

    def changed(one, other):
        return {name for name in one if not np.array_equal(one[name], other[name])}

    assert {name for name, _ in changed(before, between)} == {"classifier", "classifier_bn"}
    assert len(changed(between, after)) > 0.9 * len(after)


def test_the_same_call_goes_on_in_a_folder_of_before_the_setting(tuned, pretrained, tmp_path):
    older = shutil.copytree(tuned, tmp_path / "older")
    (older / "SHA256SUMS").unlink()  # the change is meant
    asked = json.loads((older / "finetuning.json").read_text())
    assert asked.pop("renew_classifier") is True
    (older / "finetuning.json").write_text(json.dumps(asked))
    stages.finetune(pretrained, older, SETTINGS, report=pytest.fail)


def test_the_whole_network_is_trainable_afterwards(tuned, pretrained):
    assert len(load_model(tuned).trainable_weights) == len(load_model(pretrained).trainable_weights)


def test_the_same_call_again_trains_nothing(tuned, pretrained):
    lines = []
    stages.finetune(pretrained, tuned, SETTINGS, report=lines.append)
    assert not lines


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", ["epoch 1/1", "epoch 1/2"])
def test_interrupted_it_goes_on_to_the_very_same_weights(pretrained, tuned, tmp_path, stop_at):
    def stop(line):
        if line.startswith(stop_at):
            raise KeyboardInterrupt

    out = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        stages.finetune(pretrained, out, SETTINGS, report=stop)
    assert not (out / "last.keras").exists()
    stages.finetune(pretrained, out, SETTINGS, report=lambda line: None)
    for one, other in zip(load_model(out).get_weights(), load_model(tuned).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (out / "drop_rates.csv").read_text() == (tuned / "drop_rates.csv").read_text()


def test_other_settings_are_refused(tuned, pretrained):
    with pytest.raises(AscError, match="is a fine-tuning of another run or other settings; expected another --out"):
        stages.finetune(pretrained, tuned, ["finetune.max_drop_rate=0.5"])


def test_a_folder_of_something_else_is_refused(pretrained, tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(AscError, match="holds no fine-tuning"):
        stages.finetune(pretrained, tmp_path)


def test_a_compressed_network_is_refused(pretrained, tmp_path):
    run = shutil.copytree(pretrained, tmp_path / "small")
    (run / "compression.json").write_text("{}")
    with pytest.raises(AscError, match="is compressed, and training would undo that"):
        stages.finetune(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--set", "finetune.max_drop_rate=1.5"],
            "setting finetune.max_drop_rate is 1.5; expected a value from 0 to 1",
        ),
        (["--set", "model.width=8"], "--set model.width=8: is kept by fine-tuning"),
        (["--set", "finetune.device=s6"], "setting finetune.device is s6; expected a device with training clips: a, b"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(flags, sentence, pretrained, tmp_path, capsys):
    assert main(["finetune", str(pretrained), "--out", str(tmp_path / "out"), *flags]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and "\n" not in error
    assert not (tmp_path / "out").exists()


def test_the_command_prints_both_tables(pretrained, tmp_path, capsys):
    flags = ["--set", "finetune.epochs=1", "finetune.classifier_epochs=0", "train.select=min-var"]
    assert main(["finetune", str(pretrained), "--out", str(tmp_path / "out"), *flags]) == 0
    out = capsys.readouterr().out
    assert out.index("pretrained, on the test part") < out.index("fine-tuned, on the test part")
    assert (tmp_path / "out" / "min-var.keras").is_file() and not (tmp_path / "out" / "classifier").exists()


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        pytest.param(
            ["renew_classifier=false", "classifier_learning_rate=1e-6", "learning_rate=3e-3"],
            "fine-tuned",
            marks=pytest.mark.slow,
        ),
        (["classifier_learning_rate=30"], "pretrained"),
    ],
)
def test_with_select_best_the_pretrained_weights_count_as_an_epoch(pretrained, tmp_path, changed, kept):
    lines, flags = [], [f"finetune.{each}" for each in ("epochs=1", "classifier_epochs=1", *changed)]
    stages.finetune(pretrained, tmp_path / "out", ["train.select=best", *flags], report=lines.append)
    assert lines[-1].startswith(f"the {kept} weights are kept: log loss ")
    experiment = Experiment.again(*read_run(pretrained)).with_features(tmp_path, pytest.fail)
    network, tuned = load_model(pretrained), load_model(tmp_path / "out")
    before, after = (validation_log_loss(experiment, each) for each in (network, tuned))
    assert (after < before) == (kept == "fine-tuned") and after <= before
    between = read_network(tmp_path / "out" / "classifier" / "model.keras")
    weights, trained = (model.get_layer("classifier").get_weights()[0] for model in (network, between))
    moved = np.abs(trained - weights).max()
    assert 0 < moved < 1e-4 if "renew_classifier=false" in changed else moved > 0.01
