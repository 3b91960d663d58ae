"""Commands on a run folder that is another's, unfinished, damaged or no run at all."""

import json

import pytest
from command_line import fails


def test_run_folder_of_other_settings(train_smallest, run, synthetic_root, capsys):
    sentence = fails(capsys, *train_smallest, "--data", synthetic_root, "--run", run, "--set", "model.width=16")
    assert "holds a run of other settings (model.width: 8 and 16)" in sentence


def test_run_folder_of_another_data_set(train_smallest, run, root, capsys):
    sentence = fails(capsys, *train_smallest, "--data", root, "--run", run)
    assert f"{run}: holds a run on " in sentence and f"; expected {root}" in sentence


def test_data_that_changed_since_the_run_began(train_smallest, run, synthetic_root, capsys):
    (run / "last.keras").unlink()
    path = run / "dataset.json"
    dataset = json.loads(path.read_text())
    (run / "SHA256SUMS").unlink()
    path.write_text(json.dumps({**dataset, "feature_mean": dataset["feature_mean"] + 0.1}))
    sentence = fails(capsys, *train_smallest, "--data", synthetic_root, "--run", run)
    assert "the data set has changed since the run began" in sentence


def test_run_folder_that_is_something_else(train_smallest, synthetic_root, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    sentence = fails(capsys, *train_smallest, "--data", synthetic_root, "--run", tmp_path)
    assert "is not empty and holds no run" in sentence and [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_commands_on_a_folder_that_is_no_run(tmp_path, capsys, command):
    assert "config.json: no such file; expected a run folder" in fails(capsys, command, tmp_path)


def test_commands_on_an_unfinished_run(run, capsys):
    (run / "last.keras").unlink()
    (run / "predictions.csv").unlink()
    for command in ("evaluate", "export"):
        assert "its training has not ended" in fails(capsys, command, run)


def test_damaged_model_file(run, capsys):
    (run / "last.keras").write_bytes(b"PK nothing")
    (run / "predictions.csv").unlink()
    assert "last.keras: cannot be loaded" in fails(capsys, "evaluate", run)
