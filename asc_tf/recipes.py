"""Named experiments: the rows of the papers' tables.

The papers do not say how the networks that they compare with (BC-ResNet-8, CP-ResNet) were trained: here as
BC-ResNet-ASC-8 is. The recipe with the device translator reads what `asc-tf translate apply` has written. The rows of
Lee et al. (HYU) need AdamW, which is not built yet.
"""

import dataclasses
from dataclasses import dataclass

from asc_tf.config import AUGMENTATIONS, FRONTENDS, Config, DataConfig, ModelConfig, TrainConfig
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


def _network(width, norm_position="all", lambda_=0.1, **model):
    shape = {"sub_bands": 4, "dropout": 0.1, "depth": (2, 2, 2, 3)}
    return ModelConfig("bc-resnet-asc", width, norm_position, lambda_, **shape, **model)


def _small(frontend="tau2020", **model):
    return Config(frontend=FRONTENDS[frontend], model=_network(10, **model))


def _large(train=None, **model):
    return Config(model=_network(80, **model), augment=AUGMENTATIONS["qti-large"], train=train or TrainConfig())


def _compared(network, **model):
    return Config(model=ModelConfig(network, **model), augment=AUGMENTATIONS["qti-large"])


_RECIPES = [
    Recipe("bc-resnet-asc-1", WORKSHOP, "table 3", "58.9 ± 0.8", _small(norm_position="none")),
    Recipe(
        "bc-resnet-asc-1-global-freqnorm",
        WORKSHOP,
        "table 3",
        "60.0 ± 0.9",
        _small(norm_position="none", standardization="bin"),
    ),
    Recipe("bc-resnet-asc-1-pcen", WORKSHOP, "table 3", "62.2 ± 0.8", _small("tau2020-pcen", norm_position="none")),
    Recipe("bc-resnet-asc-1-freqin", QTI_REPORT, "table 2", "65.1 ± 0.6", _small(norm_position="input", lambda_=0.0)),
    Recipe("bc-resnet-asc-1-pre-resnorm", WORKSHOP, "table 3", "67.1 ± 0.8", _small(norm_position="input")),
    Recipe("bc-resnet-asc-1-resnorm", WORKSHOP, "table 3", "65.8 ± 0.7", _small()),
    Recipe("bc-resnet-asc-1-resnorm-no-shortcut", WORKSHOP, "table 3", "63.9 ± 0.7", _small(lambda_=0.0)),
    Recipe("cp-resnet", WORKSHOP, "table 2", "67.8", _compared("cp-resnet", width=64, rho=5)),
    Recipe(
        "bc-resnet-8",
        WORKSHOP,
        "table 2",
        "68.6 ± 0.4",
        _compared("bc-resnet", width=64, norm_position="none", sub_bands=4, dropout=0.1, depth=(2, 2, 4, 4)),
    ),
    Recipe("bc-resnet-asc-8", WORKSHOP, "table 2", "69.5 ± 0.3", _large(norm_position="none")),
    Recipe("bc-resnet-asc-8-pre-resnorm", WORKSHOP, "table 3", "74.3 ± 0.3", _large(norm_position="input")),
    Recipe("bc-resnet-asc-8-resnorm", WORKSHOP, "table 3", "75.2 ± 0.4", _large()),
    Recipe("bc-resnet-asc-8-resnorm-no-shortcut", WORKSHOP, "table 3", "73.2 ± 0.3", _large(lambda_=0.0)),
    Recipe(
        "bc-resnet-asc-8-resnorm-translator",
        QTI_REPORT,
        "table 2",
        "75.4 ± 0.3",
        dataclasses.replace(_large(), data=DataConfig(translated="translated")),
    ),
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
