"""The command `asc-tf`: parses, dispatches, and turns a user's mistake into one sentence."""

import logging
import os
import sys
from typing import Annotated

import tyro
from tyro.conf import subcommand

from asc_tf import __version__
from asc_tf.cli.compress import Compress, Export
from asc_tf.cli.data import Data, Features
from asc_tf.cli.evaluate import Bench, Evaluate
from asc_tf.cli.launch import Launch, separated
from asc_tf.cli.predict import Listen, Predict
from asc_tf.cli.search import Search
from asc_tf.cli.tables import Complexity, Models, Recipes
from asc_tf.cli.train import Ensemble, Finetune, Train
from asc_tf.cli.translate import Translate
from asc_tf.errors import AscError
from asc_tf.terminal import say

Command = (
    Annotated[Data, subcommand("data")]
    | Annotated[Features, subcommand("features")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Launch, subcommand("launch")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Finetune, subcommand("finetune")]
    | Annotated[Ensemble, subcommand("ensemble")]
    | Annotated[Compress, subcommand("compress")]
    | Annotated[Translate, subcommand("translate")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Predict, subcommand("predict")]
    | Annotated[Listen, subcommand("listen")]
    | Annotated[Complexity, subcommand("complexity")]
    | Annotated[Search, subcommand("search")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Models, subcommand("models")]
    | Annotated[Recipes, subcommand("recipes")]
)


def parse(arguments):
    """The command that the arguments name, with its flags. Exits with a message where they are wrong."""
    return tyro.cli(
        Command,
        prog="asc-tf",
        description="Acoustic scene classification, small and robust to unheard microphones.",
        args=arguments,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def main(arguments=None):
    """Run the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--version"]:
        print(f"asc-tf {__version__}")
        return 0
    _silence_tensorflow()
    command = parse(separated(arguments))
    try:
        command.run()
        sys.stdout.flush()
    except AscError as error:
        say(f"asc-tf: {error}")
        return error.status
    except ModuleNotFoundError as error:
        say(f"asc-tf: this command needs '{error.name}', which is not installed: pip install 'asc-tf[train]'")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say(f"asc-tf: {error.filename or 'input or output'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        say("asc-tf: interrupted; the same command goes on where it stopped")
        return 130
    return 0


def _silence_tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
