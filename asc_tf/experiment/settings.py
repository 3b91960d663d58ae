"""Settings of an experiment: frozen dataclasses, JSON in and out, changed by dotted names."""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field

from asc_tf.errors import AscError, nearest
from asc_tf.experiment.sections import (
    AUGMENTATIONS,
    FRONTENDS,
    TRAININGS,
    AugmentConfig,
    DataConfig,
    DistillationConfig,
    FinetuneConfig,
    FrontendConfig,
    ModelConfig,
    TrainConfig,
)


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
        for name, off in (("gain_db", 0), ("drc_ratio", 1)):
            if self.frontend.compression == "pcen" and getattr(self.augment, name) != off:
                raise AscError(f"setting augment.{name} adds to a logarithm, which needs frontend.compression=log")
        if self.augment.impulse_responses and self.data.features == "cache":
            raise AscError("setting augment.impulse_responses treats waveforms, which needs data.features=stream")

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
    ("augment.drc_ratio", 1, 100),
    ("augment.drc_probability", 0, 1),
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
