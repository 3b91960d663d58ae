"""asc-tf translate: what a user reads, and one sentence for every mistake."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout

import pytest

from asc_tf.cli import main
from asc_tf.data.synthetic import write_synthetic
from asc_tf.stages import translation

SMALL = ["--width", "2", "--depth", "1", "--residual-blocks", "1", "--epochs", "1", "--frames", "16",
         "--min-correlation", "0.3", "--set", "frontend.mel_bins=32"]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "synthetic"
    write_synthetic(root, clips=70, seconds=1.0)
    return root


def run(*arguments):
    return main([str(argument) for argument in arguments])


def train(root, out, *arguments):
    return run("translate", "train", root, "--from", "a", "--to", "s1", "b", "--out", out, *SMALL, *arguments)


@pytest.fixture(scope="module")
def trained(root, eager, tmp_path_factory):
    """(folder, standard output, standard error) of a training. Do not change the folder: copy it."""
    folder, out, err = tmp_path_factory.mktemp("translator") / "t", io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(translation, "STEPS_PER_EPOCH", 2)
        assert train(root, folder) == 0
    return folder, out.getvalue(), err.getvalue()


def fails(capsys, *arguments):
    assert run(*arguments) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asc-tf: ")]
    return line


@pytest.mark.slow
def test_train_and_apply(trained, root, capsys):
    folder, out, err = trained
    for word in ("untranslated", "filtered", "ratio", str(folder / "translation.png")):
        assert word in out
    assert "dropped" in err and "median lag ms" in err and "epoch 1/1  loss" in err
    assert run("translate", "apply", folder, "--out", "mine") == 0
    assert f"translated clips in {root.resolve() / 'features' / 'mine'}" in capsys.readouterr().out
    assert fails(capsys, "translate", "train", root, "--from", "a", "--to", "b", "--out", folder, *SMALL) == (
        f"asc-tf: {folder}: holds a translator of another data set or of other settings; expected another --out"
    )


def test_mistakes_are_told_in_one_sentence(synthetic_root, tmp_path, capsys):
    begin = ["translate", "train", synthetic_root, "--out", tmp_path / "t"]
    assert "device 's5' has no clips in the training part; expected one of a, b, c, s1, s2, s3" in fails(
        capsys, *begin, "--from", "a", "--to", "s5", *SMALL
    )
    assert "--set model.width: is no setting of the frontend; expected frontend.NAME=VALUE" in fails(
        capsys, *begin, "--from", "a", "--to", "b", "--set", "model.width=20"
    )
    assert "no such folder" in fails(
        capsys, "translate", "train", tmp_path / "x", "--from", "a", "--to", "b", "--out", tmp_path / "t"
    )
    assert not (tmp_path / "t").exists()
    assert "expected a folder of 'asc-tf translate train'" in fails(capsys, "translate", "apply", tmp_path)


def test_training_without_translated_clips_names_the_command(synthetic_root, tmp_path, capsys):
    sentence = fails(
        capsys, "train", "--data", synthetic_root, "--run", tmp_path / "run", "--set", "data.translated=none-such",
        "frontend.mel_bins=32",
    )  # fmt: skip
    assert "none-such" in sentence and "expected a folder of 'asc-tf translate apply'" in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_translator_that_is_not_trained_to_the_end(trained, tmp_path, capsys):
    folder = shutil.copytree(trained[0], tmp_path / "t")
    (folder / "generator.keras").unlink()
    assert "its training has not ended" in fails(capsys, "translate", "apply", folder)
    (folder / "generator.keras").write_bytes(b"nothing")
    assert "generator.keras: cannot be loaded" in fails(capsys, "translate", "apply", folder)
