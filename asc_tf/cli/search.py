"""The command `asc-tf search`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from asc_tf.distributed.cluster import is_address
from asc_tf.errors import AscError
from asc_tf.terminal import say


@dataclass
class Search:
    """Find the best network that a budget allows, by its score on validation clips. The same command goes on."""

    data: Path
    """folder of a data set in the TAU layout"""
    out: Path
    """folder for the trials, their table and picture, and winner.json, the recipe of the best"""
    space: str
    """what to vary: lambda, width, depth, dropout, learning_rate, norm_position, subbands, scale, separated by commas;
    with ranges or choices of your own: lambda=0:0.5,width=4:40,norm_position=input|all,depth=1-1-1-2|2-2-2-3"""
    budget: str
    """rules of a year (2021, 2022, 2024) or limits such as bytes=24KB,macs=30M,latency_ms=5; bytes of 8-bit kernels
    and 16-bit other parameters, MACs of a clip, milliseconds of the 8-bit file on this machine"""
    objective: Literal["accuracy", "log_loss", "worst_device", "unseen_gap"] = "accuracy"
    """on validation clips; unseen_gap leaves the last device out of training (or data.leave_out), and is small for a
    bad network too"""
    algorithm: Literal["hyperband", "bayesian", "random"] = "hyperband"
    """of KerasTuner; hyperband trains most networks for a few epochs and goes on with the best"""
    trials: int = 12
    """networks to try"""
    epochs: int | None = None
    """of the longest trial; the recipe's if not given"""
    recipe: str = "bc-resnet-asc-1-pre-resnorm"
    """experiment whose settings the search varies, one of those that 'asc-tf recipes' lists, or a file"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings that differ from the recipe's, such as data.validation_fraction=0.2"""
    seed: int = 0
    """of the trials' values and of each training"""
    chief: str | None = None
    """HOST:PORT to hand out trials at, to the same command with --worker: 127.0.0.1:PORT for workers of this machine;
    any other host lets in whoever reaches it"""
    worker: str | None = None
    """HOST:PORT of the chief whose trials to train; --out is a folder that all machines share"""

    def run(self):
        if self.chief and self.worker:
            raise AscError("--chief and --worker are both given; expected one of them")
        for flag, address in (("chief", self.chief), ("worker", self.worker)):
            if address is not None and not is_address(address):
                raise AscError(f"--{flag} {address}: expected HOST:PORT, such as 127.0.0.1:5000")
        from asc_tf import stages
        from asc_tf.experiment.recipes import find_recipe

        config = find_recipe(self.recipe).config.with_settings([f"seed={self.seed}", *self.settings])
        what = stages.Search(self.space, self.budget, self.objective, self.algorithm, self.trials, self.epochs)
        found = stages.search(self.data, self.out, config, what, self.chief, self.worker, report=say)
        if found is not None:
            print(found)
