"""Runs without a device, and what each device of a run costs when it is unseen."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.data.clips import read_clips
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import read_run
from asc_tf.stages import exporting as tflite
from asc_tf.stages import leave_device_out, training, training_data
from asc_tf.stages.training_data import split_clips

pytestmark = pytest.mark.usefixtures("eager")

SMALL = ["train.epochs=1", "train.warmup_epochs=0", "data.validation_fraction=0"]


def quiet(line):
    """In place of `print`."""


@pytest.fixture(scope="module")
def root(synthetic_root, tmp_path_factory):
    """The embedded data set, with devices a and b by turns in the training part, and 2 clips of each scene by b."""
    root = shutil.copytree(synthetic_root, tmp_path_factory.mktemp("data") / "two")
    clips = read_clips(root)
    train = clips[clips.split == "train"]
    devices = dict(zip(train.filename, np.where(train.groupby("scene").cumcount() < 2, "b", "a"), strict=True))
    meta = pd.read_csv(root / "meta.csv", sep="\t")
    meta["source_label"] = meta.filename.map(devices).fillna(meta.source_label)
    meta.to_csv(root / "meta.csv", sep="\t", index=False)
    return root


@pytest.fixture(scope="module")
def evaluated(root, smallest_config, tmp_path_factory):
    """(run, text of its table, lines that were reported). Do not change the run: copy it."""
    run, lines = tmp_path_factory.mktemp("runs") / "run", []
    stages.train(root, smallest_config.with_settings([*SMALL, "seed=3"]), run, report=quiet)
    return run, stages.evaluate_left_out_devices(run, report=lines.append), lines


def changed(run, path, to, values):
    """A copy of a run with other settings, {section: {name: value}}."""
    other = shutil.copytree(run, path / to)
    config = json.loads((other / "config.json").read_text())
    for section, settings in values.items():
        config[section] |= settings
    (other / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
    (other / "config.json").write_text(json.dumps(config))
    return other


@pytest.mark.slow
def test_a_run_without_a_device_differs_in_that_alone_and_counts_it_as_unseen(evaluated):
    run = evaluated[0]
    config, dataset = read_run(run)
    assert dataset.seen_devices == ("a", "b")
    for device, other in (("a", "b"), ("b", "a")):
        left_out, theirs = read_run(run / "leave-device-out" / device)
        assert left_out.data.leave_out == (device,) and left_out.seed == 3
        assert [each.split(":")[0] for each in left_out.differences(config)] == ["data.leave_out"]
        assert theirs.seen_devices == (other,) and theirs.feature_mean != dataset.feature_mean
        stages.evaluate(run / "leave-device-out" / device, report=quiet)
        metrics = json.loads((run / "leave-device-out" / device / "metrics.json").read_text())["devices"]
        assert metrics["seen"] == metrics[other] and metrics["unseen"]["clips"] == 80


@pytest.mark.slow
def test_the_table_compares_both_runs_on_the_devices_test_clips(evaluated, root):
    run, text, lines = evaluated
    table = pd.read_csv(run / "leave-device-out.csv", index_col="device")
    assert list(table.index) == ["a", "b", "mean"]
    train = read_clips(root).query("split == 'train'")
    for device in ("a", "b"):
        row = table.loc[device]
        assert row.clips_left_out == (train.device == device).sum() > 0
        for state, folder in (("seen", run), ("unseen", run / "leave-device-out" / device)):
            predictions = stages.predict_test(folder).query(f"device == '{device}'")
            assert row[f"log_loss_{state}"] == pytest.approx(predictions.log_loss.mean())
            assert row[f"accuracy_{state}"] == 100 * (predictions.predicted == predictions.scene).mean()
        assert row.log_loss_change == pytest.approx(row.log_loss_unseen - row.log_loss_seen) != 0
    assert table.log_loss_change["mean"] == pytest.approx(table.log_loss_change[["a", "b"]].mean())
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["A", "B", "mean"]
    assert "without device b (2 of 2)" in lines and any(line.startswith("on device a: ") for line in lines)


@pytest.mark.slow
def test_what_has_ended_is_read_back_and_the_rest_is_trained(evaluated, tmp_path, monkeypatch):
    run = shutil.copytree(evaluated[0], tmp_path / "run")
    (run / "leave-device-out.csv").unlink()
    for name in ("last.keras", "predictions.csv"):
        (run / "leave-device-out" / "b" / name).unlink()
    kept, lines = (run / "leave-device-out" / "a" / "last.keras").stat().st_mtime_ns, []
    assert stages.evaluate_left_out_devices(run, report=lines.append) == evaluated[1]
    assert "going on after epoch 1" in lines, "its only epoch had ended"
    assert (run / "leave-device-out" / "a" / "last.keras").stat().st_mtime_ns == kept
    monkeypatch.setattr(training, "fit", None)
    assert stages.evaluate_left_out_devices(run, report=quiet) == evaluated[1]
    assert (run / "leave-device-out.csv").is_file()


@pytest.mark.parametrize("split", ["official", "full"])
def test_the_same_locations_are_held_out_with_and_without_a_device(synthetic_root, smallest_config, split):
    whole = smallest_config.with_settings(["data.validation_fraction=0.4", f"data.split={split}"])
    clips, training, validation = split_clips(synthetic_root, whole)
    same, *fewer = split_clips(synthetic_root, whole.with_settings(["data.leave_out=b,s1"]))
    assert same.equals(clips)
    for rows, left in zip((training, validation), fewer, strict=True):
        np.testing.assert_array_equal(left, rows[~clips.device.iloc[rows].isin(["b", "s1"])])
        assert len(left) < len(rows)


def test_a_device_without_which_a_scene_or_the_validation_is_gone_is_not_left_out(root, smallest_config, tmp_path):
    with pytest.raises(AscError, match="data.leave_out is a,b and leaves no training clips of scene 'airport'"):
        stages.train(
            root, smallest_config.with_settings([*SMALL, "data.leave_out=a,b"]), tmp_path / "run", report=quiet
        )
    assert not (tmp_path / "run").exists()
    clips = read_clips(root)
    best = smallest_config.with_settings(["train.select=best", "data.leave_out=a"])
    held_out = clips.device.to_numpy() == "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_data, "hold_out_locations", lambda used, *_: held_out[used.index])
        with pytest.raises(AscError, match="leaves no validation clips; expected some for train.select=best"):
            split_clips(root, best)


@pytest.mark.slow
def test_an_int8_file_is_not_calibrated_on_a_device_that_was_left_out(evaluated, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(tflite, "write_file", lambda *arguments: given.append(arguments))
    for run in (evaluated[0], evaluated[0] / "leave-device-out" / "b"):
        stages.export(run, tmp_path / "model.tflite", format="int8")
    assert [set(each[4].device) for each in given] == [{"a", "b"}, {"a"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data": {"split": "full"}}, r"was trained on the test part too \(data.split=full\)"),
        ({"data": {"leave_out": ["s2"]}}, r"leaves out s2 itself \(data.leave_out\); expected a run on all devices"),
        ({"distillation": {"teacher": ["x"]}}, r"has teachers that have heard its devices \(distillation.teacher\)"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(evaluated, tmp_path, monkeypatch, settings, sentence):
    run = changed(evaluated[0], tmp_path, "run", settings)
    monkeypatch.setattr(leave_device_out, "train", None)
    with pytest.raises(AscError, match=sentence):
        stages.evaluate_left_out_devices(run)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compression", "finetuning"])
def test_runs_that_were_made_of_others_are_refused(evaluated, tmp_path, name):
    run = shutil.copytree(evaluated[0], tmp_path / "run")
    (run / f"{name}.json").write_text("{}")
    with pytest.raises(AscError, match=rf"was made from another run \({name}.json\); leave devices out of that one"):
        stages.evaluate_left_out_devices(run)


@pytest.mark.slow
def test_a_device_that_cannot_be_left_out_is_named_and_the_others_are(evaluated, root, tmp_path):
    run, lines = shutil.copytree(evaluated[0], tmp_path / "run"), []
    predictions = stages.predict_test(run)
    (run / "SHA256SUMS").unlink()
    predictions[predictions.device != "a"].to_csv(run / "predictions.csv", index=False)
    stages.evaluate_left_out_devices(run, report=lines.append)
    assert pd.read_csv(run / "leave-device-out.csv").device.tolist() == ["b", "mean"]
    assert lines[:2] == ["device a has no test clips: not left out", "without device b (1 of 1)"]
    predictions[predictions.device == "s6"].to_csv(run / "predictions.csv", index=False)
    with pytest.raises(AscError, match=r"none of its devices \(a, b\) can be left out"):
        stages.evaluate_left_out_devices(run, report=lines.append)


@pytest.mark.slow
def test_a_device_that_alone_recorded_a_scene_is_named(root, smallest_config, evaluated):
    clips, lines = read_clips(root), []
    with pytest.MonkeyPatch.context() as patch:
        alone = clips[~((clips.scene == "park") & (clips.device == "a"))].reset_index(drop=True)
        patch.setattr(training_data, "read_clips", lambda *_: alone)
        config = smallest_config.with_settings(SMALL)
        found = leave_device_out._clips_left_out(config, read_run(evaluated[0])[1], ["a", "b"], lines.append)
    assert list(found) == ["a"]
    assert "device b cannot be left out: setting data.leave_out is b and leaves no" in lines[0]
