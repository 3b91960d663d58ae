"""Commands in the tests' own process, and the one sentence of those that must fail."""

from tiny import TINY_SETTINGS

from asc_tf.cli import main

TRAIN = ["train", "--recipe", "bc-resnet-asc-1-pre-resnorm"]


def fails(capsys, *arguments):
    """Run a command that must fail; returns its one sentence."""
    assert main([str(argument) for argument in arguments]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asc-tf: ")]
    assert len(lines) == 1
    return lines[0]


def train_fails(capsys, root, run, *settings):
    sentence = fails(capsys, *TRAIN, "--data", root, "--run", run, "--set", *TINY_SETTINGS, *settings)
    assert not run.exists(), "a failed start leaves no run folder behind"
    assert not [path for path in root.rglob("*") if path.name.startswith(".part")]
    return sentence
