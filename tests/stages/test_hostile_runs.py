"""Runs from elsewhere: what lies in their files is data. And runs whose files are damaged."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf import stages
from asc_tf.atomic.checksums import SUMS
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.experiment.translator_folder import write_translator
from asc_tf.stages.compression_steps import StepTable

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture
def run(smallest_run, tmp_path):
    return shutil.copytree(smallest_run, tmp_path / "run")


@pytest.fixture
def trap(tmp_path):
    """(an HDF5 file with a Lambda that writes a file when Keras's own reader loads it, that file)."""
    marker = tmp_path / "ran"
    inputs = keras.Input((32, 34, 1))
    writes = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Lambda(writes)(inputs)))
    with pytest.warns(UserWarning, match="legacy"):
        keras.Model(inputs, outputs).save(tmp_path / "trap.h5")
    marker.unlink()
    keras.models.load_model(tmp_path / "trap.h5")
    assert marker.exists()
    marker.unlink()
    return tmp_path / "trap.h5", marker


def sentence(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asc-tf: ")]
    assert len(lines) == 1
    return lines[0]


def test_a_lambda_in_an_hdf5_file_runs_by_no_command(run, trap, synthetic_root, tmp_path, capsys):
    trap, marker = trap
    shutil.copy(trap, run / "last.keras")
    (run / "predictions.csv").unlink()
    translator = tmp_path / "translator"
    write_translator(translator, synthetic_root, stages.Translation("a", ("b",)), FrontendConfig())
    shutil.copy(trap, translator / "generator.keras")
    out = tmp_path / "out"
    settings = json.loads((run / "config.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps(settings))
    student = ["train", "--data", synthetic_root, "--run", out, "--recipe", tmp_path / "recipe.json", "--teacher", run]
    stripped = tmp_path / "step.keras"
    shutil.copy(trap, stripped)
    for command in [
        ["evaluate", run],
        ["evaluate", run, "--data", synthetic_root],
        ["export", run, "--out", tmp_path / "model.tflite"],
        ["finetune", run, "--out", out],
        ["compress", run, "--out", out],
        ["compress", run, "--teacher", run, "--out", out],
        ["ensemble", run, run, "--out", out],
        ["complexity", run],
        ["complexity", stripped],
        student,
        ["translate", "apply", translator],
    ]:
        said = sentence(capsys, *command)
        assert ".keras: cannot be loaded (it is an HDF5 file); expected a .keras file" in said, command
        assert not marker.exists(), command
        shutil.rmtree(out, ignore_errors=True)


@pytest.mark.slow
def test_files_of_steps_are_read_as_runs_are(run, trap, tmp_path, capsys, monkeypatch):
    """What a compression and a fine-tuning keep in between."""
    monkeypatch.setattr(StepTable, "finish", lambda *arguments: None)  # it converts the network
    trap, marker = trap
    for command, place in ((["compress", run, "--prune", 0.5], "pruned/stripped.keras"),
                           (["finetune", run], "classifier/model.keras")):  # fmt: skip
        out = tmp_path / command[0]
        (out / place).parent.mkdir(parents=True)
        asked = {
            "compress": {"run": str(run.resolve()), **dataclasses_of(stages.Compression(prune=0.5))},
            "finetune": finetuning(run),
        }[command[0]]
        name = {"compress": "compression.json", "finetune": "finetuning.json"}[command[0]]
        (out / name).write_text(json.dumps(asked))
        shutil.copy(trap, out / place)
        assert f"{place}: cannot be loaded (it is an HDF5 file)" in sentence(capsys, *command, "--out", out)
        assert not marker.exists()


def dataclasses_of(settings):
    return json.loads(json.dumps(vars(settings)))


def finetuning(run):
    config = json.loads((run / "config.json").read_text())
    return {"run": str(run.resolve()), "select": config["train"]["select"], **config["finetune"]}


@pytest.mark.slow
def test_damaged_predictions_are_made_anew(run, capsys):
    whole = (run / "predictions.csv").read_bytes()
    printed = stages.evaluate(run)
    for damaged in (b"", whole[: len(whole) // 2], whole.replace(b"0.", b"0.1", 1)):
        (run / "predictions.csv").write_bytes(damaged)
        lines = []
        assert stages.evaluate(run, report=lines.append) == printed
        assert lines[0].startswith(f"{run / 'predictions.csv'}: ") and lines[0].endswith(
            "the clips are classified anew"
        )
        assert (run / "predictions.csv").read_bytes() == whole


def test_a_damaged_history_is_made_anew_from_the_checkpoint(run, synthetic_root, smallest_config):
    whole = (run / "history.csv").read_bytes()
    for damaged in (b"", whole[:-20], None):
        (run / "history.csv").unlink() if damaged is None else (run / "history.csv").write_bytes(damaged)
        stages.train(synthetic_root, smallest_config, run, report=lambda line: None)
        assert (run / "history.csv").read_bytes() == whole


def test_a_network_of_other_scenes_or_features_is_refused(run, capsys):
    (run / SUMS).unlink()
    (run / "predictions.csv").unlink()
    path = run / "dataset.json"
    dataset = json.loads(path.read_text())
    path.write_text(json.dumps({**dataset, "scenes": dataset["scenes"][:9]}))
    assert "is a network of 32 mel bins and 10 scenes; expected 32 and 9" in sentence(capsys, "complexity", run)


def test_a_run_of_an_older_version_is_read(run):
    """Without checksums, and without a digest of its clips."""
    expected = stages.evaluate(run)
    (run / SUMS).unlink()
    (run / "trained_on.csv.gz").unlink()
    dataset = json.loads((run / "dataset.json").read_text())
    del dataset["clips_sha256"]
    (run / "dataset.json").write_text(json.dumps(dataset))
    assert stages.evaluate(run) == expected
    (run / "predictions.csv").unlink()
    assert stages.evaluate(run) == expected


# Metadata that have changed since


@pytest.fixture
def copied(synthetic_root, tmp_path):
    """A copy of the data set, whose metadata a test may change; the features come along."""
    return shutil.copytree(synthetic_root, tmp_path / "data", copy_function=os.link)


def swapped(root, one="park", other="bus"):
    """Swap two scenes in the training part of meta.csv and of the split."""
    names = set(pd.read_csv(root / "evaluation_setup" / "fold1_train.csv", sep="\t").filename)
    for path in (root / "meta.csv", root / "evaluation_setup" / "fold1_train.csv"):
        table = pd.read_csv(path, sep="\t", dtype=str)
        training = table.filename.isin(names)
        table.loc[training, "scene_label"] = table.scene_label[training].replace({one: other, other: one})
        text = table.to_csv(sep="\t", index=False)
        path.unlink()  # it is a link
        path.write_text(text)


@pytest.mark.slow
def test_labels_that_changed_between_a_kill_and_the_resume_are_noticed(copied, smallest_config, tmp_path, capsys):
    config, run = smallest_config.with_settings(["data.validation_fraction=0"]), tmp_path / "begun"

    def stop(line):
        if line.startswith("epoch 1/2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.train(copied, config, run, report=stop)
    swapped(copied)
    with pytest.raises(AscError, match="the data set has changed since the run began: 8 clips changed their scene"):
        stages.train(copied, config, run, report=pytest.fail)
    swapped(copied)
    stages.train(copied, config, run, report=lambda line: None)
    swapped(copied)
    for command in (["finetune", run, "--out", tmp_path / "out"], ["compress", run, "--out", tmp_path / "out"],
                    ["evaluate", run, "--leave-device-out"], ["evaluate", run, "--seeds", 2]):  # fmt: skip
        said = sentence(capsys, *command)
        assert f"{run}: the data set has changed since the run began: 8 clips changed their scene, audio/" in said
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert np.isfinite(stages.predict_test(run).log_loss).all()  # the test part is as it was


def test_a_clip_that_moved_from_the_training_part_to_the_test_part_is_not_tested_on(copied, smallest_run, tmp_path):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    (run / "predictions.csv").unlink()
    lines = (run / SUMS).read_text().splitlines(keepends=True)
    (run / SUMS).write_text("".join(line for line in lines if "dataset.json" not in line))
    dataset = json.loads((run / "dataset.json").read_text())
    (run / "dataset.json").write_text(json.dumps({**dataset, "root": str(copied.resolve())}))  # the data have moved
    folder = copied / "evaluation_setup"
    moved = (folder / "fold1_train.csv").read_text().splitlines()[1]
    for name, change in (("fold1_train.csv", lambda text: text.replace(f"{moved}\n", "")),
                         ("fold1_evaluate.csv", lambda text: f"{text}{moved}\n")):  # fmt: skip
        text = change((folder / name).read_text())
        (folder / name).unlink()
        (folder / name).write_text(text)
    with pytest.raises(AscError, match="it was trained on 1 clip of the test part, such as audio/.*; expected others"):
        stages.evaluate(run)
