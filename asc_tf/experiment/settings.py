"""Settings of an experiment: frozen dataclasses, JSON in and out, changed by dotted names."""

import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from asc_tf.data.names import LOGITS_FILES
from asc_tf.errors import AscError, escaped, nearest
from asc_tf.experiment.extension_settings import check_extensions, extension_field, extension_fields
from asc_tf.experiment.sections import (
    AUGMENTATIONS,
    FRONTENDS,
    AugmentConfig,
    DataConfig,
    FrontendConfig,
    ModelConfig,
)
from asc_tf.experiment.setting import Setting, fields_of
from asc_tf.experiment.setting_values import check_values, from_values, value_at
from asc_tf.experiment.strict_json import parse_json, read_json
from asc_tf.experiment.training_sections import (
    TRAININGS,
    Deterministic,
    DistillationConfig,
    FinetuneConfig,
    Seed,
    TrainConfig,
)

PRESETS = {"frontend": FRONTENDS, "augment": AUGMENTATIONS, "train": TRAININGS}
LONGEST_WINDOW = 2**16  # samples: its filterbank has at most 32,769 Fourier bins for each mel bin


@dataclass(frozen=True)
class Config:
    """All that determines a run, but for the recordings themselves.

    Examples:
        >>> import asc_tf
        >>> asc_tf.Config().with_settings(["train.epochs=60", "model.width=20"]).train.epochs
        60
    """

    recipe: Annotated[str, Setting("name of the recipe that the settings began from")] = ""
    seed: Seed = 0
    deterministic: Deterministic = False
    frontend: FrontendConfig = field(default_factory=FrontendConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    extensions: dict = field(default_factory=dict)
    """{key: value} of the settings that the network or registered augmentations define themselves"""

    def with_settings(self, settings: Iterable[str]) -> "Config":
        """A copy with "section.name=value" settings applied, or a preset: "frontend=tau2022", "train=hyu".

        Raises:
            AscError: no such setting (names the nearest), or a value of the wrong type or out of range.
        """
        config = self
        # The network first: a new network starts with its own defaults.
        for setting in sorted(settings, key=lambda setting: not setting.startswith("model.network=")):
            key, equals, text = setting.partition("=")
            if not equals:
                raise AscError(f"--set {escaped(setting)}: expected name=value, such as train.epochs=60")
            config = _replace(config, key, text)
        config.check()
        return config

    def check(self) -> None:
        """Raise an AscError for a value that no run can use, or for settings that contradict each other."""
        check_values(self)
        check_extensions(self, self.extensions)
        if self.train.warmup_epochs >= self.train.epochs:
            raise AscError(
                f"setting train.warmup_epochs is {self.train.warmup_epochs}; "
                f"expected less than train.epochs = {self.train.epochs}"
            )
        if self.model.width and self.model.width % 2:
            raise AscError(f"setting model.width is {self.model.width}; expected an even number of channels")
        if self.train.select != "last" and self.data.validation_fraction == 0:
            raise AscError(
                f"setting train.select is {self.train.select}; expected data.validation_fraction above 0 with it"
            )
        if self.distillation.teacher and self.distillation.recipe:
            raise AscError("settings distillation.teacher and distillation.recipe are both given; expected one teacher")
        for teacher in self.distillation.teacher or ():
            if teacher.endswith(LOGITS_FILES) and self.distillation.logits == "online":
                raise AscError(
                    f"setting distillation.teacher is {teacher}, a file of logits; "
                    "expected distillation.logits=cached with it"
                )
        samples = round(self.frontend.window_ms * self.frontend.sample_rate_hz / 1000)
        if samples > LONGEST_WINDOW:
            raise AscError(
                f"setting frontend.window_ms is {self.frontend.window_ms}, {samples:,} samples at "
                f"{self.frontend.sample_rate_hz} Hz; expected at most {LONGEST_WINDOW:,} samples"
            )
        if self.frontend.compression == "pcen" and self.frontend.floor != FrontendConfig.floor:
            raise AscError(
                f"setting frontend.floor is {self.frontend.floor}; expected none with frontend.compression=pcen"
            )
        for name, off in (("gain_db", 0), ("drc_ratio", 1)):
            if self.frontend.compression != "log" and getattr(self.augment, name) != off:
                raise AscError(
                    f"setting augment.{name} is {getattr(self.augment, name)}; expected frontend.compression=log "
                    "with it"
                )
        if self.augment.impulse_responses and self.data.features == "cache":
            raise AscError(
                f"setting augment.impulse_responses is {self.augment.impulse_responses}; expected "
                "data.features=stream with it"
            )

    def to_json(self) -> str:
        """JSON text; `from_json` reads it back to an equal Config."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, source: str | os.PathLike = "config.json") -> "Config":
        """Read the output of `to_json`; `source` names it in errors.

        Raises:
            AscError: not JSON, not the settings of this version, or as `check`.
        """
        return cls._from_values(parse_json(text, source), source)

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Config":
        """Read a file of settings. Raises an OSError, or an AscError as `from_json`."""
        return cls._from_values(read_json(path), path)

    @classmethod
    def _from_values(cls, values, source):
        try:
            values, extensions = _as_of_today(values)
            config = from_values(cls, values)
            config = dataclasses.replace(config, extensions=check_extensions(config, extensions))
            config.check()
        except AscError as error:
            raise AscError(f"{source}: {error}") from None
        return config

    def by_name(self) -> dict:
        """{name: value} of all settings, such as "train.epochs", those of extensions too."""
        return {item.key: value_at(self, item.key) for item in fields_of(Config)} | self.extensions

    def differences(self, other: "Config") -> list[str]:
        """["name: mine and theirs", ...] for every setting in which two configs differ."""
        mine, theirs = self.by_name(), other.by_name()
        mine, theirs = ({key: each.get(key) for key in {**mine, **theirs}} for each in (mine, theirs))
        named = [(key, *("default" if each[key] is None else each[key] for each in (mine, theirs))) for key in mine]
        return [f"{key}: {one} and {two}" for key, one, two in named if one != two]


def _replace(config, key, text):
    if text in PRESETS.get(key, ()):
        return dataclasses.replace(config, **{key: PRESETS[key][text]}, extensions=_without(config, f"{key}."))
    if key in PRESETS:
        raise AscError(f"--set {key}={escaped(text)}: no such preset; {nearest(escaped(text), list(PRESETS[key]))}")
    known = {item.key: item for item in fields_of(Config)}
    item = known.get(key) or extension_field(config, key)
    if item is None:
        known |= {item.key: item for item in extension_fields(config)}
        advice = nearest(escaped(key), list(known), "'asc-tf settings' lists them")
        raise AscError(f"--set {escaped(key)}: no such setting; {advice}")
    try:
        value = item.parse(text)
    except ValueError as expected:
        raise AscError(f"--set {key}={escaped(text)}: expected {expected}") from None
    if key not in known:
        return dataclasses.replace(config, extensions={**config.extensions, key: value})
    section, _, name = key.rpartition(".")
    owner = value_at(config, section) if section else config
    if key == "model.network" and value != owner.network:
        owner, config = ModelConfig(), dataclasses.replace(config, extensions=_without(config, "model."))
    changed = dataclasses.replace(owner, **{name: value})
    return dataclasses.replace(config, **{section: changed}) if section else changed


def _without(config, section):
    """The extension settings of a Config that are outside a section."""
    return {key: value for key, value in config.extensions.items() if not key.startswith(section)}


def _as_of_today(values):
    """(JSON of a Config, with settings as this version writes them; its extension settings)."""
    model = values.get("model") if isinstance(values, dict) else None
    if isinstance(model, dict) and isinstance(model.get("learnable_lambda"), bool):
        model["learnable_lambda"] = "scalar" if model["learnable_lambda"] else None
    if not isinstance(values, dict):
        return values, {}
    return {name: value for name, value in values.items() if name != "extensions"}, values.get("extensions", {})
