"""The command `asc-tf import`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.experiment.named_networks import PUBLIC_RECIPES


@dataclass
class Import:
    """Make a run of a public PyTorch checkpoint that was trained on TAU; nothing in the file is run."""

    checkpoint: Positional[Path]
    """.ckpt or .pt file, as the network's authors publish it"""
    network: Literal[tuple(PUBLIC_RECIPES)]
    """network that the file holds"""
    run_folder: Annotated[Path, arg(name="run")]
    """folder for the run"""
    data: Annotated[
        Path | None,
        Doc(
            "data set of the same scenes, in the TAU layout, to evaluate, calibrate and train the run on from "
            "now on; without it 'evaluate' and 'export' need --data"
        ),
    ] = None

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_import

        checkpoint = check_import(self.checkpoint, self.run_folder, self.data)
        stages.import_checkpoint(checkpoint, self.network, self.run_folder, self.data)
        more = () if self.data else ("--data", "TAU")
        say_next(
            f"{self.run_folder}: the network is last.keras; imported.json says where it comes from",
            ["evaluate", self.run_folder, *more],
            ["export", self.run_folder],
            ["export", self.run_folder, "--format", "int8", "--out", self.run_folder / "int8.tflite", *more],
        )
