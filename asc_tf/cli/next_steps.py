"""The end of a command's output: the places of its results, and next commands."""

import shlex

from asc_tf.terminal import say


def say_next(made, *commands):
    """Print the places of a command's results, and commands to continue with, each a list of its words."""
    say(f"\n{made}")
    for begin, command in zip(["next:", *["     "] * len(commands)], commands, strict=False):
        say(f"{begin} {shlex.join(map(str, ['asc-tf', *command]))}")


def after_training(run):
    """For a run folder that was just made or evaluated."""
    say_next(
        f"{run}: the network is last.keras; devices.csv, scenes.csv and confusion.csv are its tables",
        ["export", run],
        ["compress", run, "--out", f"{run}-small"],
    )
