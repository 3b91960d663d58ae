"""Settings of how a network is trained: the sections train, distillation and finetune, and their presets."""

from dataclasses import dataclass
from typing import Annotated, Literal

from asc_tf.experiment.setting import Searched, Setting

Seed = Annotated[int, Setting("of weights, order of clips, augmentation and validation part", 0, 2**31 - 1)]
Deterministic = Annotated[
    bool, Setting("same seed, same weights to the last bit, also across an interruption (slower)")
]


def _epochs(help, low=1):
    return Setting(help, low, 100_000, "epochs")


def _rate(help, symbol="", searched=None):
    return Setting(help, 0, 100, symbol=symbol, searched=searched)


@dataclass(frozen=True)
class TrainConfig:
    """Optimization: linear warm-up, then cosine decay to zero, of SGD with momentum and L2 or of AdamW."""

    epochs: Annotated[int, _epochs("passes over the training clips")] = 100
    warmup_epochs: Annotated[int, _epochs("of linear growth of the learning rate, fewer than train.epochs", 0)] = 5
    batch_size: Annotated[int, Setting("of all replicas together", 1, 65_536, "clips")] = 64
    learning_rate: Annotated[
        float, _rate("highest, after the warm-up", searched=Searched("learning_rate", 0.005, 0.2, sampling="log"))
    ] = 0.06
    warmup_from: Annotated[float, _rate("learning rate of the first step")] = 0.0
    optimizer: Annotated[Literal["sgd", "adamw"], Setting("SGD with momentum and L2, or AdamW")] = "sgd"
    momentum: Annotated[float, Setting("of sgd", 0, 0.9999)] = 0.9
    l2: Annotated[float, _rate("weight of sgd's L2 regularization")] = 0.001
    weight_decay: Annotated[float, _rate("of adamw")] = 0.05
    precision: Annotated[
        Literal["float32", "mixed_float16", "mixed_bfloat16"],
        Setting("of the layers' arithmetic in training; weights, statistics, logits and what is kept stay float32"),
    ] = "float32"
    select: Annotated[
        Literal["last", "best", "min-var"],
        Setting(
            "which weights are evaluated and exported: of the last epoch, of the lowest validation log loss, or of the"
            " least variance of accuracy between the devices of the validation part"
        ),
    ] = "last"


TRAININGS = {
    "qti": TrainConfig(),
    "cp-mobile": TrainConfig(150, 14, 256, 9e-4, optimizer="adamw", weight_decay=1e-4),
    "tf-sepnet": TrainConfig(150, 0, 256, 0.004, optimizer="adamw", weight_decay=0.0),
    "dcase2024": TrainConfig(150, 4, 256, 0.005, optimizer="adamw", weight_decay=1e-4),
    "hyu": TrainConfig(300, 10, 512, 0.01, warmup_from=1e-8, optimizer="adamw", weight_decay=0.05),
}


@dataclass(frozen=True)
class DistillationConfig:
    """Knowledge distillation in training, from `teacher` or `recipe`; without both there is none.

    The papers name neither temperature nor weight.
    """

    teacher: Annotated[
        tuple[str, ...] | None,
        Setting(
            "run folders of trained networks, or files of logits (.csv, .npz; logits=cached); the probabilities of"
            " several are averaged"
        ),
    ] = None
    recipe: Annotated[
        str | None,
        Setting(
            "recipe of a teacher that is trained first, on the same data, in the run's folder teacher/; self is the"
            " student's own"
        ),
    ] = None
    logits: Annotated[
        Literal["online", "cached"],
        Setting(
            "online: the teacher hears each batch as the student does, augmented; cached: once each clip as it is, and"
            " mixup mixes its probabilities as the labels"
        ),
    ] = "online"
    temperature: Annotated[float, Setting("that softens the teacher's probabilities", 1e-3, 1000, symbol="T")] = 2.0
    weight: Annotated[float, Setting("of the distillation loss; that of the labels has 1 - weight", 0, 1)] = 0.5


@dataclass(frozen=True)
class FinetuneConfig:
    """Device-aware data-random-drop fine-tuning of Lee et al. (HYU), for `asc-tf finetune`.

    The paper names neither the number of epochs nor how the classifier is retrained.
    """

    device: Annotated[
        str | None, Setting("device whose clips are dropped; none is the one with most training clips")
    ] = None
    max_drop_rate: Annotated[float, Setting("rate at which its clips are dropped at the end", 0, 1)] = 0.9
    distance_weight: Annotated[
        float, Setting("of the squared distance to the pretrained weights", 0, 1000, symbol="λ")
    ] = 0.4
    epochs: Annotated[int, _epochs("of the whole network")] = 30
    learning_rate: Annotated[float, _rate("of the whole network, fixed")] = 1e-5
    weight_decay: Annotated[float, _rate("of AdamW")] = 1e-8
    classifier_epochs: Annotated[
        int, _epochs("of the classifier on the frozen network, before; 0 leaves the classifier as it is", 0)
    ] = 10
    classifier_learning_rate: Annotated[float, _rate("of the classifier, highest; falls to 0 along a cosine")] = 0.01
    renew_classifier: Annotated[
        bool, Setting("the classifier gets new initial weights; else the old one is trained further")
    ] = True
