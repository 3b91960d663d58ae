"""`asc-tf train`: what it writes and prints, and what it does again."""

import json
import shutil

import numpy as np
import pytest
from command_line import fails

from asc_tf.cli import main

pytestmark = pytest.mark.usefixtures("eager")


def test_train_writes_a_whole_run_and_prints_the_device_table(train_smallest, synthetic_root, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*train_smallest, "--data", str(synthetic_root), "--run", str(run)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["A", "B", "C", *(f"S{i}" for i in range(1, 7)), "seen", "unseen", "all"]
    assert "epoch 2/2" in err
    expected = {"config.json", "dataset.json", "checkpoints", "history.csv", "tensorboard", "last.keras", "best.keras",
                "predictions.csv", "metrics.json", "devices.csv", "scenes.csv", "confusion.csv",
                "trained_on.csv.gz", "SHA256SUMS"}  # fmt: skip
    assert {path.name for path in run.iterdir()} == expected
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 90 and metrics["devices"]["unseen"]["clips"] == 30
    assert np.sum(metrics["confusion"]["clips"]) == 90


def test_the_same_command_again_trains_nothing_and_prints_the_same(train_smallest, run, synthetic_root, capsys):
    before = (run / "last.keras").stat().st_mtime_ns
    for _ in range(2):
        assert main([*train_smallest, "--data", str(synthetic_root), "--run", str(run)]) == 0
    out, err = capsys.readouterr()
    first, second = out[: len(out) // 2], out[len(out) // 2 :]
    assert first == second and "epoch" not in err
    assert (run / "last.keras").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_first_epoch_begins_anew(train_smallest, synthetic_root, tmp_path):
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / ".part-config.json").write_text("{")
    assert main([*train_smallest, "--data", str(synthetic_root), "--run", str(fresh)]) == 0
    only_config = tmp_path / "only_config"
    only_config.mkdir()
    shutil.copy(fresh / "config.json", only_config)
    assert main([*train_smallest, "--data", str(synthetic_root), "--run", str(only_config)]) == 0


@pytest.mark.slow
def test_full_development_split_trains_on_all_clips_and_is_not_evaluated(
    train_smallest, synthetic_root, tmp_path, capsys
):
    run = tmp_path / "run"
    settings = ["data.split=full", "data.validation_fraction=0"]
    assert main([*train_smallest, "--data", str(synthetic_root), "--run", str(run), "--set", *settings]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "130 training and 0 validation clips" in err and "no clips are left to evaluate on" in err
    assert json.loads((run / "dataset.json").read_text())["seen_devices"][-1] == "s6"
    assert "was trained on the test part too" in fails(capsys, "evaluate", run)


@pytest.mark.slow
def test_read_only_recordings_keep_their_features_in_the_run_folder(train_smallest, root, tmp_path, monkeypatch):
    shutil.rmtree(root / "features", ignore_errors=True)
    run = tmp_path / "run"
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(root))
    assert main([*train_smallest, "--data", str(root), "--run", str(run)]) == 0
    assert len(list((run / "features").iterdir())) == 1 and not (root / "features").exists()
