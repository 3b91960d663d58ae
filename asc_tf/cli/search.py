"""The command `asc-tf search`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc
from tyro.conf import arg

from asc_tf.distributed.cluster import is_address
from asc_tf.errors import AscError
from asc_tf.experiment import command_settings
from asc_tf.experiment.training_sections import Seed
from asc_tf.terminal import say


@dataclass
class Search:
    """Find the best network that a budget allows, by its score on validation clips. Run it again to go on."""

    data: Path
    """folder of a data set in the TAU layout"""
    out: Path
    """folder for the trials, their table and picture, and winner.json, the recipe of the best"""
    search: command_settings.Search
    recipe: str = "bc-resnet-asc-1-pre-resnorm"
    """experiment whose settings the search varies, one of those that 'asc-tf recipes' lists, or a file"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings that differ from the recipe's, such as data.validation_fraction=0.2"""
    seed: Seed = 0
    chief: Annotated[
        str | None,
        Doc(
            "HOST:PORT to hand out trials at, to the same command with --worker; 127.0.0.1:PORT is for "
            "workers of this machine, any other host lets in whoever reaches it"
        ),
    ] = None
    worker: Annotated[
        str | None,
        Doc("HOST:PORT of the chief to get trials from; --out is a folder that all machines share"),
    ] = None

    def run(self):
        if self.chief and self.worker:
            raise AscError("--chief and --worker: are both given; expected one of them")
        for flag, address in (("chief", self.chief), ("worker", self.worker)):
            if address is not None and not is_address(address):
                raise AscError(f"--{flag} {address}: expected HOST:PORT, such as 127.0.0.1:5000")
        from asc_tf.experiment.recipes import find_recipe
        from asc_tf.experiment.teachers import check_teachers

        config = find_recipe(self.recipe).config.with_settings([f"seed={self.seed}", *self.settings])
        check_teachers(config)
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_search

        check_search(self.data, None if self.worker else self.out, config, self.search)
        found = stages.search(self.data, self.out, config, self.search, self.chief, self.worker, report=say)
        if found is not None:
            print(found)
