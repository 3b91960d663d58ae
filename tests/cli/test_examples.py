"""What to type first, and examples in every --help: all of them are commands that there are."""

import shlex

import pytest

from asc_tf.cli import main, parse
from asc_tf.cli.examples import EXAMPLES, START
from asc_tf.cli.launch import separated

LINES = [command for command, _ in START] + [line for lines in EXAMPLES.values() for line in lines]


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_examples_are_commands(line):
    words = shlex.split(line.rpartition("| ")[2])
    assert words[0] == "asc-tf"
    parse(separated(words[1:]))


def shown(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code, capsys.readouterr().out


def test_alone_it_shows_three_commands_to_start_with(capsys):
    status, out = shown(capsys)
    assert status == 2 and out.count("  asc-tf ") == len(START) == 3 and "asc-tf --help" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("name", ["", *EXAMPLES])
def test_every_help_ends_with_examples(capsys, name):
    status, out = shown(capsys, *name.split(), "--help")
    assert status == 0
    expected = EXAMPLES[name] if name else [command for command, _ in START]
    assert all(line in out[out.rindex("examples:" if name else "To start:") :] for line in expected)


def test_all_commands_have_examples(capsys):
    _, out = shown(capsys, "--help")
    listed = out[out.index("{") + 1 : out.index("}")].split(",")
    assert {name.split()[0] for name in EXAMPLES} == set(listed)


def test_completion_for_a_shell_is_printed(capsys):
    status, out = shown(capsys, "--tyro-print-completion", "bash")
    assert not status and "asc-tf" in out and "evaluate" in out
