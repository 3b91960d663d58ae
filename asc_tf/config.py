"""Settings of an experiment: frozen dataclasses, JSON in and out, changed by dotted names."""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field

from asc_tf.errors import AscError, nearest


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
}


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


@dataclass(frozen=True)
class Config:
    """All that determines a run, but for the recordings themselves."""

    recipe: str = ""
    seed: int = 0
    deterministic: bool = False
    frontend: FrontendConfig = field(default_factory=FrontendConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)

    def with_settings(self, settings):
        """A copy with "section.name=value" settings applied, or a preset: "frontend=tau2022", "train=hyu".

        Raises:
            AscError: no such setting (names the nearest), or a value of the wrong type or out of range.
        """
        config = self
        # The network first: another one begins with its own defaults.
        for setting in sorted(settings, key=lambda setting: not setting.startswith("model.network=")):
            key, equals, text = setting.partition("=")
            if not equals:
                raise AscError(f"--set {setting}: expected name=value, such as train.epochs=60")
            config = _replace(config, key, text)
        config.check()
        return config

    def check(self):
        """Raise an AscError for a value that no run can use."""
        for key, low, high in _RANGES:
            value = _get(self, key)
            if value is not None and not low <= value <= high:
                raise AscError(f"setting {key} is {value}; expected a value from {low} to {high}")
        if self.train.warmup_epochs >= self.train.epochs:
            raise AscError(
                f"setting train.warmup_epochs is {self.train.warmup_epochs}; "
                f"expected less than train.epochs = {self.train.epochs}"
            )
        if self.model.width and self.model.width % 2:
            raise AscError(f"setting model.width is {self.model.width}; expected an even number of channels")
        if self.train.select != "last" and self.data.validation_fraction == 0:
            raise AscError(f"setting train.select is {self.train.select}, which needs data.validation_fraction above 0")
        if self.distillation.teacher and self.distillation.recipe:
            raise AscError("settings distillation.teacher and distillation.recipe are both given; expected one teacher")
        if self.frontend.compression == "pcen" and self.frontend.floor != FrontendConfig.floor:
            raise AscError(f"setting frontend.floor is {self.frontend.floor}; PCEN (frontend.compression) has no floor")
        if self.frontend.compression == "pcen" and self.augment.gain_db:
            raise AscError("setting augment.gain_db adds to a logarithm, which needs frontend.compression=log")
        if self.augment.impulse_responses and self.data.features == "cache":
            raise AscError("setting augment.impulse_responses treats waveforms, which needs data.features=stream")

        if self.data.translated and self.data.features == "stream":
            raise AscError("setting data.translated needs data.features=cache: translated clips have no audio")

    def to_json(self):
        """JSON text; `from_json` reads it back to an equal Config."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text, source="config.json"):
        """Read what `to_json` wrote; `source` names it in errors.

        Raises:
            AscError: not JSON, or not the settings of this version.
        """
        try:
            return _from_dict(cls, _as_of_today(json.loads(text)))
        except (ValueError, TypeError, AttributeError) as error:
            raise AscError(f"{source}: holds no settings of asc-tf ({error})") from error

    def differences(self, other):
        """["name: mine and theirs", ...] for every setting in which two configs differ."""
        mine, theirs = (
            {key: "default" if value is None else value for key, value in _flat(config)} for config in (self, other)
        )
        return [f"{key}: {mine[key]} and {theirs[key]}" for key in mine if mine[key] != theirs[key]]


_PRESETS = {"frontend": FRONTENDS, "augment": AUGMENTATIONS, "train": TRAININGS}
_INF = float("inf")
_RANGES = [
    ("seed", 0, 2**31 - 1),
    ("frontend.sample_rate_hz", 1000, 768000),
    ("frontend.mel_bins", 8, 4096),
    ("data.validation_fraction", 0, 0.9),
    ("model.width", 2, 4096),
    ("model.lambda_", 0, _INF),
    ("model.sub_bands", 1, 4096),
    ("model.dropout", 0, 0.99),
    ("augment.impulse_response_probability", 0, 1),
    ("augment.gain_db", 0, 120),
    ("augment.gain_probability", 0, 1),
    ("augment.roll_seconds", 0, _INF),
    ("augment.roll_probability", 0, 1),
    ("augment.mixup_alpha", 0, _INF),
    ("augment.mixstyle_alpha", 0, _INF),
    ("augment.mixstyle_probability", 0, 1),
    ("augment.mask_probability", 0, 1),
    ("augment.frequency_mask_bins", 0, 4096),
    ("augment.time_mask_frames", 0, _INF),
    ("train.epochs", 1, _INF),
    ("train.warmup_epochs", 0, _INF),
    ("train.batch_size", 1, _INF),
    ("train.learning_rate", 0, _INF),
    ("train.warmup_from", 0, _INF),
    ("train.momentum", 0, 0.9999),
    ("train.l2", 0, _INF),
    ("train.weight_decay", 0, _INF),
    ("distillation.temperature", 1e-3, _INF),
    ("distillation.weight", 0, 1),
    ("finetune.max_drop_rate", 0, 1),
    ("finetune.distance_weight", 0, _INF),
    ("finetune.epochs", 1, _INF),
    ("finetune.learning_rate", 0, _INF),
    ("finetune.weight_decay", 0, _INF),
    ("finetune.classifier_epochs", 0, _INF),
    ("finetune.classifier_learning_rate", 0, _INF),
]


def _flat(config, prefix=""):
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            yield from _flat(value, f"{prefix}{item.name}.")
        else:
            yield prefix + item.name, value


def _get(config, key):
    for name in key.split("."):
        config = getattr(config, name)
    return config


def _replace(config, key, text):
    if text in _PRESETS.get(key, ()):
        return dataclasses.replace(config, **{key: _PRESETS[key][text]})
    if key in _PRESETS:
        raise AscError(f"--set {key}={text}: no such preset; {nearest(text, list(_PRESETS[key]))}")
    known = [name for name, _ in _flat(config)]
    if key not in known:
        raise AscError(f"--set {key}: no such setting; {nearest(key, known)}")
    section, _, name = key.rpartition(".")
    owner = _get(config, section) if section else config
    annotation = typing.get_type_hints(type(owner))[name]
    value = _parse(key, text, annotation)
    if key == "model.network" and value != owner.network:
        owner = ModelConfig()
    changed = dataclasses.replace(owner, **{name: value})
    return dataclasses.replace(config, **{section: changed}) if section else changed


def _parse(key, text, annotation):
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        if text not in arguments:
            raise AscError(f"--set {key}={text}: expected one of {', '.join(arguments)}")
        return text
    if origin in (types.UnionType, typing.Union):
        return None if text.lower() == "none" else _parse(key, text, arguments[0])
    if origin is tuple:
        return tuple(_parse(key, part, arguments[0]) for part in text.split(","))
    if annotation is bool:
        if text.lower() not in ("true", "false"):
            raise AscError(f"--set {key}={text}: expected true or false")
        return text.lower() == "true"
    try:
        value = annotation(text)
    except ValueError:
        kind = {int: "a whole number", float: "a number"}[annotation]
        raise AscError(f"--set {key}={text}: expected {kind}") from None
    if value != value:
        raise AscError(f"--set {key}={text}: expected a number")
    return value


def _as_of_today(values):
    """What `json.loads` made of a file, with settings as this version writes them."""
    model = values.get("model", {})
    if isinstance(model.get("learnable_lambda"), bool):
        model["learnable_lambda"] = "scalar" if model["learnable_lambda"] else None
    return values


def _from_dict(cls, values):
    hints = typing.get_type_hints(cls)
    arguments = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints.get(name)):
            value = _from_dict(hints[name], value)
        arguments[name] = tuple(value) if isinstance(value, list) else value
    return cls(**arguments)
