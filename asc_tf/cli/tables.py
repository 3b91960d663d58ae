"""The commands that list and count: `asc-tf complexity`, `models` and `recipes`."""

import json
import textwrap
from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from asc_tf.errors import AscError
from asc_tf.experiment.setting import Setting
from asc_tf.terminal import WIDTH


@dataclass
class Complexity:
    """Print what a network stores and computes, layer by layer, and the verdict of every year's rules.

    For a .tflite file of int8 features also RAM and flash on well-known microcontrollers.
    """

    target: Positional[str]
    """run folder, .keras or .tflite file, or a name that 'asc-tf models' lists"""
    seconds: Annotated[
        float | None,
        Setting("length of the input's sound, if neither the run nor the file says it", 0.001, 86_400, "seconds"),
    ] = None
    length: Annotated[
        int | None, Setting("frames or samples of the input, if the file leaves one length open", 1, 2**31 - 1)
    ] = None
    as_json: Annotated[bool, arg(name="json")] = False
    """print JSON"""

    def run(self):
        from asc_tf.complexity.account_report import account_dict, account_text
        from asc_tf.complexity.networks_table import networks_table
        from asc_tf.complexity.tflite_account import tflite_account
        from asc_tf.micro import boards

        devices = {}
        if self.target.endswith(".tflite"):
            account = tflite_account(self.target, self.seconds, self.length)  # it needs no TensorFlow
        else:
            from asc_tf import stages
            from asc_tf.stages.preconditions import check_counted

            check_counted(self.target)
            account = stages.account_of(self.target, self.seconds, self.length)
            devices = stages.accounts_of_devices(self.target, self.seconds, self.length)
        footprint = self._footprint()
        if self.as_json:
            found = {} if footprint is None else {"microcontrollers": boards.verdict_dict(footprint)}
            if devices:
                found["devices"] = {device: account_dict(each) for device, each in devices.items()}
            print(json.dumps({**account_dict(account), **found}, indent=2))
            return
        print(account_text(account))
        if footprint is not None:
            print("\n" + "\n".join(boards.verdict_lines(footprint)))
        if devices:
            print("\nthe general network, above, and that of each device")
            print(networks_table({"general": account, **devices}))

    def _footprint(self):
        """What a file of int8 features takes on a microcontroller; None for all else."""
        from asc_tf.micro.folder import footprint_of_file

        if not self.target.endswith(".tflite"):
            return None
        try:
            return footprint_of_file(self.target)
        except AscError:  # no file of ours, or none for microcontrollers
            return None


@dataclass
class Models:
    """List the networks of the papers with their parameters, MACs and receptive field."""

    shipped: bool = False
    """list the trained models that come with the package instead, ready for 'asc-tf predict NAME AUDIO'"""

    def run(self):
        if self.shipped:
            self._show_shipped()
            return
        from asc_tf import stages
        from asc_tf.experiment.named_networks import NAMED_NETWORKS

        width = max(map(len, NAMED_NETWORKS))
        for number, (name, named) in enumerate(NAMED_NETWORKS.items()):
            account = stages.account_of_named(name)
            if number == 0:  # only after TensorFlow is loaded, which may be interrupted
                print(f"{'':{width}}  parameters       MACs  input  field    source")
            parameters = account.trainable_parameters()
            macs = account.operations("network").macs / 1e6
            field = "x".join(map(str, account.receptive_field["convolutions"]))
            print(
                f"{name:{width}}  {parameters:10,}  {macs:7.2f} M  {named.seconds:3g} s  {field:>7}  {named.source}",
                flush=True,
            )
        print("MACs of the input; receptive field in mel bins x frames, of the convolutions only.")
        print("Layer by layer: asc-tf complexity NAME")

    def _show_shipped(self):
        from asc_tf.runtime.metadata import read_metadata
        from asc_tf.runtime.shipped import shipped_models

        for model in shipped_models().values():
            content = model.path.read_bytes()
            labels = ", ".join(read_metadata(content, model.path).labels)
            print(f"{model.name}  ({len(content):,} bytes)")
            text = f"{model.summary} Scenes: {labels}. Card: {model.card}"
            print(textwrap.indent(textwrap.fill(text, 96, break_on_hyphens=False, break_long_words=False), "    "))
        print("asc-tf predict NAME recording.wav hears a recording with one of them.")


@dataclass
class Recipes:
    """List the named experiments with their paper, table, published accuracy and log loss, and commands."""

    def run(self):
        from asc_tf.experiment.recipes import RECIPES

        for recipe in RECIPES.values():
            print(recipe.name)
            print(f"    {recipe.expected:>10} %  {recipe.log_loss:>5}  {recipe.paper}, {recipe.table}")
            if len(recipe.commands) > 1:
                print(*(f"    {_folded(command)}" for command in recipe.commands), sep="\n")
        print("A recipe without a command: asc-tf train --data TAU --recipe NAME --run RUN")
        print("The numbers are accuracy and log loss on TAU 2020 Mobile;")
        print("those of Lee et al. (table 3: trained on it) and of the baselines are on TAU 2022 Mobile.")
        print("The papers train on the whole training part: --set data.validation_fraction=0 does so too.")


def _folded(command):
    """A command for the shell in lines of at most 100 columns that can be copied."""
    lines = textwrap.wrap(command, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return " \\\n        ".join(lines)
