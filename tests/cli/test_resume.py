"""Going on with a run by its folder alone, and what comes next."""

import pytest
from command_line import fails

from asc_tf.cli import main
from asc_tf.stages.preconditions import check_export


def test_a_finished_run_is_evaluated_again_and_says_what_comes_next(run, capsys):
    before = (run / "last.keras").stat().st_mtime_ns
    assert main(["train", "--resume", str(run)]) == 0
    out, err = capsys.readouterr()
    assert "unseen" in out and f"{run}: the network is last.keras" in err
    assert f"next: asc-tf export {run}" in err and (run / "last.keras").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--data", "X"], "--data"),
        (["--set", "train.epochs=9", "--seed", "3"], "--set, --seed"),
        (["--run", "X"], "--run"),
    ],
)
def test_a_resumed_run_has_its_own_data_and_settings(run, capsys, flags, named):
    sentence = fails(capsys, "train", "--resume", run, *flags)
    assert f"expected no {named} (a training of other settings, or a longer one, needs another --run" in sentence


def test_what_cannot_be_resumed(tmp_path, capsys):
    assert "expected a run folder" in fails(capsys, "train", "--resume", tmp_path / "nowhere")
    assert "--run: is not given; expected --data ROOT --run RUN, or --resume RUN" in fails(
        capsys, "train", "--data", "X"
    )


def test_a_longer_training_says_how(run, synthetic_root, capsys):
    from tiny import TINY_SETTINGS

    settings = [*TINY_SETTINGS, "train.epochs=4"]
    sentence = fails(capsys, "train", "--data", synthetic_root, "--run", run, "--set", *settings)
    assert "train.epochs: 2 and 4" in sentence
    assert "another --run (a longer training has other learning rates from the first step on)" in sentence


def test_a_file_of_another_format_is_not_overwritten(smallest_file, run, capsys):
    (run / "model.tflite").write_bytes(smallest_file.read_bytes())
    sentence = fails(capsys, "export", run, "--format", "int8")
    assert f"{run / 'model.tflite'}: has --format float --input waveform; expected int8 and waveform" in sentence
    assert check_export(run, None, "float", "waveform") == run / "model.tflite"
    (run / "model.tflite").write_text("mine")
    assert "is no whole file of asc-tf; delete it" in fails(capsys, "export", run)
    assert (run / "model.tflite").read_text() == "mine"


@pytest.mark.parametrize(
    ("out", "flags", "message"),
    [
        ("x.onnx", [], "expected a name that ends in .tflite for --format float"),
        ("x.tflite", ["--format", "onnx", "--input", "features"], "expected a name that ends in .onnx"),
        ("x", [], "expected a name that ends in .tflite"),
        ("folder.tflite", [], "is a folder; expected the name of a file"),
    ],
)
def test_the_ending_of_an_exported_file_is_its_formats(run, tmp_path, capsys, out, flags, message):
    (tmp_path / "folder.tflite").mkdir()
    assert message in fails(capsys, "export", run, "--out", tmp_path / out, *flags)
