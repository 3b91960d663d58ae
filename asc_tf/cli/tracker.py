"""The flag `--tracker` of the commands that train."""

from typing import Annotated, Literal

from tyro.conf import arg

Tracker = Annotated[
    Literal["mlflow", "wandb"] | None,
    arg(help="record settings, epochs and results in MLflow or Weights & Biases too; a training that goes on keeps its "
             "record"),
]  # fmt: skip
