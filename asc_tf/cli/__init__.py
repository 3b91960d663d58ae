"""The command `asc-tf`: parses, dispatches, and turns a user's mistake into one sentence."""

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import subcommand

from asc_tf import __version__
from asc_tf.cli.calibrate import Calibrate
from asc_tf.cli.compress import Compress, Export
from asc_tf.cli.data import Data, Features
from asc_tf.cli.evaluate import Bench, Evaluate
from asc_tf.cli.examples import examples_text, start_text
from asc_tf.cli.explain import Explain
from asc_tf.cli.flags import check_ranges
from asc_tf.cli.importing import Import
from asc_tf.cli.joining import Ensemble, Soup
from asc_tf.cli.launch import Launch, separated
from asc_tf.cli.listen import Listen
from asc_tf.cli.predict import Predict
from asc_tf.cli.report import Report
from asc_tf.cli.search import Search
from asc_tf.cli.serve import Serve
from asc_tf.cli.settings import Settings, asks_for_settings
from asc_tf.cli.submit import Submit
from asc_tf.cli.tables import Complexity, Models, Recipes
from asc_tf.cli.train import Finetune, Train
from asc_tf.cli.translate import Translate
from asc_tf.errors import AscError, not_installed
from asc_tf.quiet import silence_tensorflow
from asc_tf.terminal import discard_output, say

Command = (
    Annotated[Data, subcommand("data")]
    | Annotated[Features, subcommand("features")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Launch, subcommand("launch")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Report, subcommand("report")]
    | Annotated[Finetune, subcommand("finetune")]
    | Annotated[Calibrate, subcommand("calibrate")]
    | Annotated[Ensemble, subcommand("ensemble")]
    | Annotated[Soup, subcommand("soup")]
    | Annotated[Import, subcommand("import")]
    | Annotated[Compress, subcommand("compress")]
    | Annotated[Translate, subcommand("translate")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Predict, subcommand("predict")]
    | Annotated[Explain, subcommand("explain")]
    | Annotated[Listen, subcommand("listen")]
    | Annotated[Serve, subcommand("serve")]
    | Annotated[Submit, subcommand("submit")]
    | Annotated[Complexity, subcommand("complexity")]
    | Annotated[Search, subcommand("search")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Models, subcommand("models")]
    | Annotated[Recipes, subcommand("recipes")]
    | Annotated[Settings, subcommand("settings")]
)


def parse(arguments):
    """The command that the arguments name, with its flags. Exits with a message if they are wrong."""
    return tyro.cli(
        Command,
        prog="asc-tf",
        description="Acoustic scene classification, small and robust to unheard microphones.",
        args=arguments,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def main(arguments=None):
    """Run the command line; returns the exit status."""
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output is gone, as with head
        discard_output()
    except OSError as error:
        discard_output()
        _complain(f"input or output: {error.strerror or error}")
    return 1


def _run(arguments):
    """The exit status of a command: its mistakes are printed, errors of the output are not."""
    if arguments == ["--version"]:
        print(f"asc-tf {__version__}")
        return 0
    if not arguments:
        print(start_text())
        raise SystemExit(2)
    silence_tensorflow()
    command = Settings() if asks_for_settings(arguments) else _parsed(arguments)
    try:
        _check_names(command)
        check_ranges(command)
        command.run()
    except AscError as error:
        _complain(error)
        return error.status
    except ModuleNotFoundError as error:
        _complain(not_installed("this command", error.name, "train"))
        return 1
    except OSError as error:
        if error.filename is None:  # of a stream
            raise
        _complain(f"{error.filename}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on where it stopped")
        return 130
    return 0


def _parsed(arguments):
    try:
        return parse(separated(arguments))
    except SystemExit as stop:
        if not stop.code and {"-h", "--help"} & set(arguments):
            print(examples_text(arguments))
        raise


def _check_names(command):
    """Raise an AscError for a name that is not UTF-8, which TensorFlow and HDF5 refuse; predict needs neither."""
    for value in () if isinstance(command, Predict) else vars(command).values():
        if dataclasses.is_dataclass(value):
            _check_names(value)
        for name in value if isinstance(value, tuple) else (value,):
            if isinstance(name, str | Path) and any("\ud800" <= character <= "\udfff" for character in str(name)):
                raise AscError(f"{name}: is no name in UTF-8; expected one, as only 'asc-tf predict' takes others")


def _complain(sentence):
    with contextlib.suppress(OSError):  # nobody reads it; the exit status reports it as well
        say(f"asc-tf: {sentence}")
