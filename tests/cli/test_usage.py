"""What the command line says of itself: version, usage, recipes and networks."""

import ast
from pathlib import Path

import pytest

import asc_tf.cli
from asc_tf import __version__
from asc_tf.cli import main
from asc_tf.experiment.named_networks import NAMED_NETWORKS
from asc_tf.experiment.recipes import RECIPES
from asc_tf.terminal import WIDTH


def test_version(capsys):
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"asc-tf {__version__}\n"


def test_command_line_without_arguments_or_with_a_wrong_one_is_usage(capsys):
    for arguments in ([], ["trian"], ["train", "--data"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_recipes_are_listed_with_table_and_score(capsys):
    assert main(["recipes"]) == 0
    out = capsys.readouterr().out
    assert "bc-resnet-asc-1-pre-resnorm" in out and "67.1 ± 0.8" in out and "table 3" in out
    assert max(map(len, out.splitlines())) <= WIDTH
    joined = out.replace(" \\\n        ", " ")
    assert all(f"    {command}\n" in joined for recipe in RECIPES.values() for command in recipe.commands[1:])


@pytest.mark.slow
def test_models_are_listed_with_their_counts(capsys, monkeypatch):
    names = ("bc-resnet-asc-1", "cp-mobile")
    chosen = {name: NAMED_NETWORKS[name] for name in names}
    monkeypatch.setattr("asc_tf.experiment.named_networks.NAMED_NETWORKS", chosen)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH and "8,055" in lines[1] and "109x109" in lines[1]
    assert "61,148" in lines[2] and "29.42 M" in lines[2]


def test_help_of_a_flag_below_its_field_is_one_line():
    """tyro keeps a docstring's line breaks in the middle of a paragraph; a longer text stands in `Doc` or `Setting`."""
    for path in Path(asc_tf.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            body = node.body if isinstance(node, ast.ClassDef) else []
            for field, text in zip(body, body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    assert text.lineno == text.end_lineno, f"{path.name}: {field.target.id}"
