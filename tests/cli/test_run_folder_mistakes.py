"""Commands on a run folder that is another's, unfinished, damaged or no run at all."""

import json

import pytest
from command_line import TRAIN, fails
from tiny import TINY_SETTINGS


def test_run_folder_of_other_settings(run, synthetic_root, capsys):
    sentence = fails(
        capsys, *TRAIN, "--data", synthetic_root, "--run", run, "--set", *TINY_SETTINGS, "model.lambda_=0.3"
    )
    assert "holds a run of other settings (model.lambda_: 0.1 and 0.3)" in sentence


def test_run_folder_of_another_data_set(run, root, capsys):
    sentence = fails(capsys, *TRAIN, "--data", root, "--run", run, "--set", *TINY_SETTINGS)
    assert f"{run}: is a run on " in sentence and f"not on {root}" in sentence


def test_data_that_changed_since_the_run_began(run, synthetic_root, capsys):
    (run / "last.keras").unlink()
    path = run / "dataset.json"
    dataset = json.loads(path.read_text())
    (run / "SHA256SUMS").unlink()
    path.write_text(json.dumps({**dataset, "feature_mean": dataset["feature_mean"] + 0.1}))
    sentence = fails(capsys, *TRAIN, "--data", synthetic_root, "--run", run, "--set", *TINY_SETTINGS)
    assert "the data set has changed since the run began" in sentence


def test_run_folder_that_is_something_else(synthetic_root, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    sentence = fails(capsys, *TRAIN, "--data", synthetic_root, "--run", tmp_path, "--set", *TINY_SETTINGS)
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
