"""Named experiments: the rows of the papers' tables.

The papers do not say how their networks of comparison (BC-ResNet-8, CP-ResNet) were trained: here as BC-ResNet-ASC-8.
In table 2 of Lee et al. (HYU) the rows "w/ MFA" and "w/ FPM" seem swapped in parameters and MACs (see `bc_res2net`);
the scores are given as printed. Their section 6 does not give the order of distillation, fine-tuning and 8-bit
training: here it is this order. QTI do not say whether the teachers of submissions 2 and 4 were also trained on the
device translator's clips: here they are, on those of the training part.

cp-mobile-2023 and tf-sepnet-64 follow their authors' public code as far as our settings allow: AdamW replaces Adam, and
the learning rate (warm-up, plateau and ramp; cosine with restarts) is a warm-up and one cosine. Impulse responses of
microphones come with `augment.impulse_responses=FOLDER data.features=stream`. They have no score: the technical report
and the workshop paper of CP-Mobile could not be read, and the ICASSP paper prints other widths, 60.0 % for TF-SepNet-40
and 61.6 % for TF-SepNet-80 on TAU 2022 Mobile (table 2).

The baselines of DCASE 2024 and 2025 need the list of training clips that data.split names. Our mel filters are Slaney's
in place of torchaudio's HTK ones, the warm-up is four epochs for each list, where theirs is 100 to 2,000 steps (3.6
epochs), and a device's fine-tuning has the settings of the section finetune.
"""

import dataclasses
from dataclasses import dataclass

from asc_tf.errors import AscError, escaped, nearest, unreadable
from asc_tf.experiment.sections import AUGMENTATIONS, FRONTENDS, DataConfig, ModelConfig
from asc_tf.experiment.setting import LONGEST_PATH
from asc_tf.experiment.settings import Config
from asc_tf.experiment.training_sections import TRAININGS, DistillationConfig, FinetuneConfig, TrainConfig

QTI_REPORT = "Kim et al., QTI submission to DCASE 2021, technical report"
WORKSHOP = "Kim et al., DCASE Workshop 2021"
HYU = "Lee et al., DCASE Workshop 2022"
CP_MOBILE = "Schmid et al., DCASE Workshop 2023"
TF_SEPNET = "Cai et al., ICASSP 2024"
BASELINE_2024 = "Schmid et al., DCASE 2024 task 1 baseline"
BASELINE_2025 = "Schmid et al., DCASE 2025 task 1 baseline"
BEYOND = "beyond the papers"
_ON_TAU_2022 = (HYU, CP_MOBILE, TF_SEPNET, BASELINE_2024, BASELINE_2025)


@dataclass(frozen=True)
class Recipe:
    """A configuration and its source."""

    name: str
    paper: str
    table: str
    expected: str
    """accuracy in percent as published, on the data set of `data_set`"""
    config: Config
    log_loss: str = ""
    """as published"""
    then: tuple[str, ...] = ()
    """commands that complete the row from the run, after `asc-tf train`"""
    first: tuple[str, ...] = ()
    """commands before it"""
    flags: str = ""
    """flags of `asc-tf train`, besides the recipe"""

    @property
    def data_set(self):
        """The data set of the published numbers."""
        return "TAU 2022 Mobile" if self.paper in _ON_TAU_2022 else "TAU 2020 Mobile"

    @property
    def commands(self):
        """All commands, in order."""
        train = f"asc-tf train --data TAU --recipe {self.name} --run RUN"
        return (*self.first, f"{train} {self.flags}".strip(), *self.then)


def _network(width, norm_position="all", lambda_=0.1, **model):
    shape = {"sub_bands": 4, "dropout": 0.1, "depth": (2, 2, 2, 3)}
    return ModelConfig("bc-resnet-asc", width, norm_position, lambda_, **shape, **model)


def _small(frontend="tau2020", **model):
    return Config(frontend=FRONTENDS[frontend], model=_network(10, **model))


def _large(train=None, **model):
    return Config(model=_network(80, **model), augment=AUGMENTATIONS["qti-large"], train=train or TrainConfig())


def _compared(network, **model):
    return Config(model=ModelConfig(network, **model), augment=AUGMENTATIONS["qti-large"])


_TRANSLATED = DataConfig(translated="translated")
_TRANSLATE = (
    "asc-tf translate train TAU --from a --to b c s1 s2 s3 --out TRANSLATOR",
    "asc-tf translate apply TRANSLATOR",
)


def _mean_of_two(train):
    """Train with another seed as well, compress both, join them: as QTI's submitted systems."""
    return (
        f"asc-tf train --data TAU --recipe {train} --seed 1",
        "asc-tf compress RUN --out SMALL",
        "asc-tf compress RUN1 --out SMALL1",
        "asc-tf ensemble SMALL SMALL1 --out BOTH",
    )


def _hyu(network="bc-res2net", drop=None, distance_weight=0.4, recipe=None, **model):
    shape = {"lambda_": 0.1, "sub_bands": 4, "dropout": 0.1, "depth": (2, 2, 2, 3)}
    if network == "bc-res2net":
        shape |= {"norm_position": "stages", "scale": 4}
    return Config(
        frontend=FRONTENDS["tau2022"],
        model=ModelConfig(network, 40, **shape, **model),
        augment=AUGMENTATIONS["hyu"],
        train=TRAININGS["hyu"],
        distillation=DistillationConfig(recipe=recipe),
        finetune=FinetuneConfig() if drop is None else FinetuneConfig(None, drop, distance_weight),
    )


_FINETUNE = "asc-tf finetune RUN --out TUNED"
_BOTH = {"mfa": True, "fpm": True}


def _hyu_recipes():
    """Tables 2 to 4 and section 6, in this order."""
    networks = {
        "bc-resnet-40": _hyu("bc-resnet-asc", norm_position="all"),
        "bc-res2net-40": _hyu(),
        "bc-res2net-40-mfa": _hyu(mfa=True),
        "bc-res2net-40-fpm": _hyu(fpm=True),
        "bc-res2net-40-mfa-fpm": _hyu(**_BOTH),
    }
    scores = [("57.1", "1.327"), ("59.1", "1.235"), ("59.3", "1.198"), ("59.5", "1.212"), ("60.8", "1.167")]
    for (name, config), (accuracy, log_loss) in zip(networks.items(), scores, strict=True):
        yield Recipe(name, HYU, "table 2", accuracy, config, log_loss)
    for name, row in {
        "bc-resnet-40": {2: ("57.8", "1.285"), 5: ("56.7", "1.301"), 10: ("56.3", "1.315")},
        "bc-res2net-40": {2: ("60.3", "1.190"), 5: ("59.7", "1.185"), 10: ("58.7", "1.195")},
        "bc-res2net-40-mfa-fpm": {2: ("61.6", "1.146"), 5: ("60.5", "1.172"), 10: ("59.5", "1.192")},
    }.items():
        for seconds, (accuracy, log_loss) in row.items():
            then = (f"asc-tf evaluate RUN --data TAU2020 --seconds {seconds}",)
            yield Recipe(f"{name}-{seconds}s", HYU, "table 3", accuracy, networks[name], log_loss, then)
    for drop, accuracy, log_loss in (
        (0.0, "62.1", "1.083"),
        (0.5, "62.5", "1.085"),
        (0.9, "62.6", "1.076"),
        (0.99, "62.6", "1.081"),
    ):
        config = _hyu(drop=drop, **_BOTH)
        name = f"bc-res2net-40-mfa-fpm-drop-{drop:.2f}"
        yield Recipe(name, HYU, "table 4", accuracy, config, log_loss, (_FINETUNE,))
    to_8_bits = "asc-tf compress {} --out SMALL --prune 0 --activations int8"
    name, section = "bc-res2net-40-mfa-fpm-8-bit", "section 6"
    yield Recipe(name, HYU, section, "60.3", _hyu(**_BOTH), "1.193", (to_8_bits.format("RUN"),))
    tuned = (_FINETUNE, to_8_bits.format("TUNED"))
    for weight, accuracy, log_loss in ((0.04, "62.2", "1.072"), (0.4, "62.6", "1.065")):
        config = _hyu(drop=0.9, distance_weight=weight, **_BOTH)
        yield Recipe(f"{name}-drop-0.90-distance-{weight}", HYU, section, accuracy, config, log_loss, tuned)
    config = _hyu(drop=0.9, recipe="self", **_BOTH)
    yield Recipe(f"{name}-drop-0.90-distilled", HYU, section, "70.1", config, "0.835", tuned)


_TAUGHT = "--teacher TEACHER"


def _today(preset, network):
    return Config(
        frontend=FRONTENDS[preset],
        model=ModelConfig(network),
        augment=AUGMENTATIONS[preset],
        train=TRAININGS[preset],
        distillation=DistillationConfig(temperature=2.0, weight=0.98),
    )


def _baselines():
    """The baseline of DCASE 2024 for each list of training clips, and that of DCASE 2025."""

    def trained_on(split):
        return Config(
            frontend=FRONTENDS["dcase2024"],
            data=DataConfig(split=split),
            model=ModelConfig("cp-mobile"),
            augment=AUGMENTATIONS["dcase2024"],
            train=TRAININGS["dcase2024"],
        )

    scores = {5: "42.40 ± 0.42", 10: "45.29 ± 1.01", 25: "50.29 ± 0.87", 50: "53.19 ± 0.68", 100: "56.99 ± 1.11"}
    for share, accuracy in scores.items():
        name, table = f"dcase2024-baseline-{share}", f"README, {share} % of the clips"
        yield Recipe(name, BASELINE_2024, table, accuracy, trained_on(f"split{share}"))
    of_25 = trained_on("split25")
    yield Recipe("dcase2025-baseline", BASELINE_2025, "README, general model", "50.72 ± 0.47", of_25)
    per_device = ("asc-tf finetune RUN --per-device --out DEVICES",)
    table = "README, device-specific models"
    yield Recipe("dcase2025-baseline-per-device", BASELINE_2025, table, "51.89 ± 0.05", of_25, then=per_device)


_LONG = TrainConfig(epochs=300, warmup_epochs=10)
_DISTILLED = dataclasses.replace(_large(_LONG), distillation=DistillationConfig(recipe="self"))

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
        dataclasses.replace(_large(), data=_TRANSLATED),
        first=_TRANSLATE,
    ),
    Recipe(
        "bc-resnet-asc-8-resnorm-300-epochs",
        QTI_REPORT,
        "section 3.3",
        "75.3",
        _large(_LONG),
    ),
    Recipe("bc-resnet-asc-8-resnorm-300-epochs-distilled", QTI_REPORT, "table 2", "76.3 ± 0.8", _DISTILLED),
    Recipe(
        "bc-resnet-asc-8-resnorm-300-epochs-distilled-compressed",
        QTI_REPORT,
        "table 2",
        "75.3 ± 0.8",
        _DISTILLED,
        then=("asc-tf compress RUN --out SMALL",),
    ),
    Recipe(
        "qti-submission-1",
        QTI_REPORT,
        "table 3",
        "76.99",
        _large(dataclasses.replace(_LONG, select="min-var")),
        "0.72",
        first=(
            "asc-tf train --data TAU --recipe bc-resnet-asc-8-resnorm-300-epochs --run TEACHER --set data.split=full",
        ),
        flags="--teacher TEACHER",
        then=_mean_of_two("qti-submission-1 --run RUN1 --teacher TEACHER"),
    ),
    Recipe(
        "qti-submission-2",
        QTI_REPORT,
        "table 3",
        "75.91",
        dataclasses.replace(_DISTILLED, data=_TRANSLATED),
        "0.72",
        first=_TRANSLATE,
        then=_mean_of_two("qti-submission-2 --run RUN1"),
    ),
    Recipe(
        "qti-submission-3",
        QTI_REPORT,
        "table 3",
        "77.46",
        _DISTILLED,
        "0.72",
        then=_mean_of_two("qti-submission-3 --run RUN1"),
    ),
    Recipe(
        "qti-submission-4",
        QTI_REPORT,
        "table 3",
        "75.10",
        dataclasses.replace(_large(_LONG), data=_TRANSLATED),
        "0.77",
        first=(
            *_TRANSLATE,
            "asc-tf train --data TAU --recipe bc-resnet-asc-8-resnorm-300-epochs --run TEACHER"
            " --set data.split=full data.translated=translated",
        ),
        flags="--teacher TEACHER",
        then=("asc-tf compress RUN --out SMALL --prune 0.84 --weights fp16",),
    ),
    Recipe(
        "bc-resnet-asc-1-pre-resnorm-from-asc-8",
        BEYOND,
        "distilled from bc-resnet-asc-8-resnorm",
        "-",
        dataclasses.replace(
            _small(norm_position="input"), distillation=DistillationConfig(recipe="bc-resnet-asc-8-resnorm")
        ),
    ),
    Recipe(
        "bc-resnet-asc-1-robust",
        BEYOND,
        "for microphones that training does not hear",
        "-",
        dataclasses.replace(
            _small(norm_position="input"),
            augment=AUGMENTATIONS["robust"],
            train=_LONG,
            distillation=DistillationConfig(recipe="bc-resnet-asc-8-resnorm", logits="cached"),
            finetune=FinetuneConfig(renew_classifier=False),
        ),
        then=(f"{_FINETUNE} --set train.select=best",),
    ),
    *_hyu_recipes(),
    *_baselines(),
    Recipe("cp-mobile-2023", CP_MOBILE, "public code", "-", _today("cp-mobile", "cp-mobile-2023"), flags=_TAUGHT),
    Recipe("tf-sepnet-64", TF_SEPNET, "public code", "-", _today("tf-sepnet", "tf-sepnet"), flags=_TAUGHT),
]
RECIPES = {
    recipe.name: dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, recipe=recipe.name))
    for recipe in _RECIPES
}


def find_recipe(name: str) -> Recipe:
    """The Recipe of a name, or of a file of settings NAME.json, such as winner.json of `asc-tf search`.

    Raises:
        AscError: no such recipe (names the nearest one), or the file holds no settings.

    Examples:
        >>> import asc_tf
        >>> asc_tf.find_recipe("bc-resnet-asc-8-resnorm").config.model.width
        80
    """
    if name.endswith(".json"):
        try:
            return Recipe(name, "a file", "", "-", Config.read(name))
        except (OSError, ValueError) as error:  # a NUL in the name raises ValueError
            raise unreadable(f"--recipe {escaped(name, LONGEST_PATH)}", error, "a file of settings") from None
    if name not in RECIPES:
        raise AscError(f"--recipe {escaped(name)}: no such recipe; {nearest(escaped(name), list(RECIPES))}")
    return RECIPES[name]
