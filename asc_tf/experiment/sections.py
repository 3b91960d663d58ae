"""The sections of an experiment's settings, and their presets."""

import typing
from dataclasses import dataclass


@dataclass(frozen=True)
class FrontendConfig:
    """From waveform to features: arguments of `asc_tf.frontend.log_mel.LogMel` or `asc_tf.frontend.pcen.Pcen`."""

    sample_rate_hz: int = 16000
    window_ms: float = 130.0
    hop_ms: float = 30.0
    mel_bins: int = 256
    low_hz: float = 0.0
    high_hz: float | None = None
    floor: float = 1e-7
    """power below which the logarithm is cut; PCEN has none"""
    compression: typing.Literal["log", "pcen"] = "log"
    """of the mel power spectrogram: its logarithm, or per-channel energy normalization (fixed PCEN)"""


FRONTENDS = {
    "tau2020": FrontendConfig(),
    "tau2022": FrontendConfig(window_ms=128.0, hop_ms=32.0),
    "tau2020-pcen": FrontendConfig(compression="pcen"),
    "tau2022-pcen": FrontendConfig(window_ms=128.0, hop_ms=32.0, compression="pcen"),
}


@dataclass(frozen=True)
class DataConfig:
    """Which clips are trained on."""

    split: typing.Literal["official", "full"] = "official"
    """official: the data set's own training part; full: all its clips, the test part too, as for a submission"""
    validation_fraction: float = 0.1
    """share of the training locations held out for validation; 0 trains on all of them"""
    clip_seconds: float | None = None
    """length of a clip; None reads it off the first training clip"""
    features: typing.Literal["cache", "stream"] = "cache"
    """cache: computed once and kept on disk; stream: computed from the audio in every epoch"""
    translated: str | None = None
    """folder of 'asc-tf translate apply' whose clips are trained on as well: in ROOT/features, or an absolute path"""
    leave_out: tuple[str, ...] | None = None
    """devices whose clips are neither trained nor validated on, as if they were unknown"""


@dataclass(frozen=True)
class ModelConfig:
    """Which network of `asc_tf.models`, and arguments of its function; None is the function's own default.

    Shape, number of classes and the statistics of the features come from the data.
    """

    network: typing.Literal["bc-res2net", "bc-resnet", "bc-resnet-asc", "cp-mobile", "cp-resnet"] = "bc-resnet-asc"
    width: int | None = None
    norm_position: typing.Literal["none", "input", "stages", "all"] | None = None
    lambda_: float | None = None
    learnable_lambda: typing.Literal["scalar", "bin"] | None = None
    """None keeps lambda fixed"""
    sub_bands: int | None = None
    dropout: float | None = None
    depth: tuple[int, ...] | None = None
    scale: int | None = None
    mfa: bool | None = None
    fpm: bool | None = None
    rho: int | None = None
    norm: typing.Literal["resnorm", "rfn"] | None = None
    standardization: typing.Literal["scalar", "bin"] = "scalar"
    """by the training features' mean and deviation: of all values, or of each mel bin for itself (Global FreqNorm)"""


@dataclass(frozen=True)
class AugmentConfig:
    """Arguments of `asc_tf.augment.augment_batch`; 0 leaves a method out."""

    impulse_responses: str | None = None
    """folder of recorded impulse responses, for `asc_tf.augment.device_impulse_response`; needs data.features=stream"""
    impulse_response_probability: float = 0.4
    gain_db: float = 0.0
    gain_probability: float = 1.0
    drc_ratio: float = 1.0
    """largest ratio of the dynamic range compression, 1 leaves it out"""
    drc_probability: float = 0.4
    roll_seconds: float = 1.5
    roll_probability: float = 1.0
    mixup_alpha: float = 0.3
    mixstyle_alpha: float = 0.0
    mixstyle_probability: float = 0.4
    frequency_mask_bins: int = 0
    frequency_masks: int = 2
    time_mask_frames: int = 0
    time_masks: int = 2
    mask_probability: float = 1.0


AUGMENTATIONS = {
    "qti-small": AugmentConfig(),
    "qti-large": AugmentConfig(frequency_mask_bins=40, time_mask_frames=80),
    "hyu": AugmentConfig(
        roll_seconds=0.5, roll_probability=0.8, frequency_mask_bins=40, time_mask_frames=4, mask_probability=0.8
    ),
    "robust": AugmentConfig(drc_ratio=5.0, drc_probability=0.6, mixstyle_alpha=0.3),
}
"""The papers' by their names; `robust` is ours, qti-small for microphones that training does not hear.

It was chosen on another fold of ESC-10 Mobile than that of the README's tables.
"""


@dataclass(frozen=True)
class TrainConfig:
    """Optimization: linear warm-up, then cosine decay to zero, of SGD with momentum and L2 or of AdamW."""

    epochs: int = 100
    warmup_epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.06
    warmup_from: float = 0.0
    """learning rate of the first step"""
    optimizer: typing.Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.9
    """of sgd"""
    l2: float = 0.001
    """of sgd"""
    weight_decay: float = 0.05
    """of adamw"""
    select: typing.Literal["last", "best", "min-var"] = "last"
    """which weights are evaluated and exported: of the last epoch, of the lowest validation log loss, or of the least
    variance of accuracy between the devices of the validation part"""


TRAININGS = {
    "qti": TrainConfig(),
    "hyu": TrainConfig(300, 10, 512, 0.01, warmup_from=1e-8, optimizer="adamw", weight_decay=0.05),
}


@dataclass(frozen=True)
class DistillationConfig:
    """Knowledge distillation in training, from `teacher` or `recipe`; without both there is none.

    The papers name neither temperature nor weight.
    """

    teacher: tuple[str, ...] | None = None
    """run folders of trained networks; the probabilities of several are averaged"""
    recipe: str | None = None
    """of a teacher that is trained first, on the same data, in the run's folder teacher/; self is the student's own"""
    logits: typing.Literal["online", "cached"] = "online"
    """online: the teacher hears each batch as the student does, augmented; cached: once each clip as it is, and mixup
    mixes its probabilities as the labels"""
    temperature: float = 2.0
    weight: float = 0.5
    """of the distillation loss; that of the labels has 1 - weight"""


@dataclass(frozen=True)
class FinetuneConfig:
    """Device-aware data-random-drop fine-tuning of Lee et al. (HYU), for `asc-tf finetune`.

    The paper names neither the number of epochs nor how the classifier is retrained.
    """

    device: str | None = None
    """whose clips are dropped; None is that of most training clips"""
    max_drop_rate: float = 0.9
    distance_weight: float = 0.4
    """lambda, of the squared distance to the pretrained weights"""
    epochs: int = 30
    learning_rate: float = 1e-5
    """fixed"""
    weight_decay: float = 1e-8
    """of AdamW"""
    classifier_epochs: int = 10
    """of the new classifier on the frozen network; 0 keeps the old one"""
    classifier_learning_rate: float = 0.01
    """highest; falls to 0 along a cosine"""
