"""Named experiments: the rows of the papers' tables."""

import dataclasses
from dataclasses import dataclass

from asc_tf.config import AUGMENTATIONS, Config, ModelConfig, TrainConfig
from asc_tf.errors import AscError, nearest

QTI_REPORT = "Kim et al., QTI submission to DCASE 2021, technical report"
WORKSHOP = "Kim et al., DCASE Workshop 2021"


@dataclass(frozen=True)
class Recipe:
    """A configuration and where it comes from; `expected` is the papers' accuracy in percent on TAU 2020 Mobile."""

    name: str
    paper: str
    table: str
    expected: str
    config: Config


def _network(width, norm_position="all", lambda_=0.1):
    return ModelConfig("bc-resnet-asc", width, norm_position, lambda_, sub_bands=4, dropout=0.1, depth=(2, 2, 2, 3))


def _small(**model):
    return Config(model=_network(10, **model))


def _large(train=None, **model):
    return Config(model=_network(80, **model), augment=AUGMENTATIONS["qti-large"], train=train or TrainConfig())


_RECIPES = [
    Recipe("bc-resnet-asc-1", WORKSHOP, "table 3", "58.9 ± 0.8", _small(norm_position="none")),
    Recipe("bc-resnet-asc-1-freqin", QTI_REPORT, "table 2", "65.1 ± 0.6", _small(norm_position="input", lambda_=0.0)),
    Recipe("bc-resnet-asc-1-pre-resnorm", WORKSHOP, "table 3", "67.1 ± 0.8", _small(norm_position="input")),
    Recipe("bc-resnet-asc-1-resnorm", WORKSHOP, "table 3", "65.8 ± 0.7", _small()),
    Recipe("bc-resnet-asc-1-resnorm-no-shortcut", WORKSHOP, "table 3", "63.9 ± 0.7", _small(lambda_=0.0)),
    Recipe("bc-resnet-asc-8", WORKSHOP, "table 2", "69.5 ± 0.3", _large(norm_position="none")),
    Recipe("bc-resnet-asc-8-pre-resnorm", WORKSHOP, "table 3", "74.3 ± 0.3", _large(norm_position="input")),
    Recipe("bc-resnet-asc-8-resnorm", WORKSHOP, "table 3", "75.2 ± 0.4", _large()),
    Recipe("bc-resnet-asc-8-resnorm-no-shortcut", WORKSHOP, "table 3", "73.2 ± 0.3", _large(lambda_=0.0)),
    Recipe(
        "bc-resnet-asc-8-resnorm-300-epochs",
        QTI_REPORT,
        "section 3.3",
        "75.3",
        _large(TrainConfig(epochs=300, warmup_epochs=10)),
    ),
]
RECIPES = {
    recipe.name: dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, recipe=recipe.name))
    for recipe in _RECIPES
}


def find_recipe(name):
    """The Recipe of a name. Raises AscError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise AscError(f"--recipe {name}: no such recipe; {nearest(name, list(RECIPES))}")
    return RECIPES[name]
