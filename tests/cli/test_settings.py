"""What a user reads of settings: the list, and one sentence for a mistake, before TensorFlow is loaded."""

import subprocess
import sys

import pytest

from asc_tf.cli import main


@pytest.mark.parametrize(
    "arguments",
    [["settings"], ["train", "--set", "help"], ["search", "--set=help"], ["finetune", "RUN", "--set", "help"]],
)
def test_the_list_of_settings(arguments, capsys):
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "train.epochs = 100" in printed and "Flags of asc-tf compress" in printed


def test_one_section(capsys):
    assert main(["settings", "augment"]) == 0
    assert "augment.mixup_alpha" in (printed := capsys.readouterr().out) and "train.epochs" not in printed
    assert main(["settings", "augments"]) == 1
    assert "no such section of settings; did you mean 'augment'?" in capsys.readouterr().err


def test_mistakes_are_told_before_tensorflow_is_loaded(tmp_path):
    (tmp_path / "self.json").write_text(f'{{"distillation": {{"recipe": "{tmp_path / "self.json"}"}}}}')
    (tmp_path / "foo.json").write_text('{"data": {"features": "foo"}}')
    train = ["train", "--data", "D", "--run", str(tmp_path / "R")]
    search = ["search", "--data", "D", "--out", str(tmp_path / "O"), "--space", "width", "--budget", "2021"]
    translate = ["translate", "train", "D", "--from", "a", "--to", "b", "--out", str(tmp_path / "O")]
    commands = {
        "roll_seconds is inf; expected a value from 0": [*train, "--set", "augment.roll_seconds=inf"],
        "--seed -1: expected a value from 0": [*train, "--seed", "-1"],
        "is taught by itself": [*train, "--recipe", str(tmp_path / "self.json")],
        'foo.json: setting data.features is "foo"; expected one of': [*train, "--recipe", str(tmp_path / "foo.json")],
        "x.json: cannot be read": [*search, "--set", "distillation.recipe=x.json"],
        "is no setting of the frontend; expected frontend.NAME=VALUE": [*translate, "--set", "train.epochs=7"],
    }
    code = (
        "import sys, asc_tf.cli\n"
        f"status = [asc_tf.cli.main(command) for command in {list(commands.values())!r}]\n"
        "assert status == [1] * len(status) and 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert len(said) == len(commands) and not (tmp_path / "R").exists()
    for line, message in zip(said, commands, strict=True):
        assert line.startswith("asc-tf: ") and message in line
