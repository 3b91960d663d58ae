"""The description of a setting, beside its field: `Annotated[float, Setting("its help", low=0, high=1)]`."""

import dataclasses
import functools
import json
import numbers
import types
import typing
from collections.abc import Collection
from dataclasses import dataclass

from typing_extensions import Doc

from asc_tf.errors import escaped
from asc_tf.extensions.registry import Registry

LONGEST_LIST = 100
"""No setting needs more values: teachers, devices, stages."""
LONGEST_PATH = 4096  # limit of Linux
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a name or path"}


@dataclass(frozen=True)
class Searched:
    """How `asc-tf search` varies a setting by default.

    Args:
        name: name in --space.
        low, high: range of a number.
        choices: texts of the values, in place of a range.
        step: of a whole number; None for a real one.
        sampling: "linear" or "log".
        structural: whether the network's cost depends on it.
    """

    name: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    step: int | None = None
    sampling: str = "linear"
    structural: bool = False


@dataclass(frozen=True)
class Setting(Doc):
    """The facts about a setting that its field's type does not tell. Flags show them too: tyro prints any `Doc`.

    Args:
        help: one line.
        low, high: least and greatest value of a number, both allowed.
        unit: of a number.
        symbol: symbol in the papers.
        searched: a `Searched`, or None if a search does not vary it.
        unset: meaning of None, in lists.
        registry: a `Registry`, whose names are the choices, or None.
    """

    help: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    symbol: str = ""
    searched: Searched | None = None
    unset: str = "none"
    registry: Registry | None = None

    @property
    def documentation(self):
        """The help of a flag."""
        text = f"{self.help} ({self.symbol})" if self.symbol else self.help
        return text if self.low is None else f"{text}; {self.range}"

    @property
    def range(self):
        """Return "0 to 1 s", or "" without a range."""
        return "" if self.low is None else f"{number(self.low)} to {number(self.high)} {self.unit}".strip()


@dataclass(frozen=True)
class Field:
    """A setting with its place and type.

    Args:
        key: with its section, as in "train.epochs".
        flag: name on the command line, if any.
        type: bool, int, float or str; of each value, if there are several.
        setting: the `Setting`.
        default: value unless one is given; `dataclasses.MISSING` if one is required.
        choices: all allowed texts, a tuple or a `Registry`, or None.
        several: whether it holds a tuple of values.
        optional: whether None is allowed.
    """

    key: str
    flag: str
    type: type
    setting: Setting
    default: object
    choices: Collection[str] | None = None
    several: bool = False
    optional: bool = False

    @property
    def values(self):
        """Its choices or range in words, for lists."""
        words = {bool: "true, false", str: "a name or path"}
        text = self.setting.range or words[self.type] if self.choices is None else ", ".join(self.choices)
        none = self.optional and not self._is_choice("none")
        return f"{'a list, each ' * self.several}{text}{', none' * none}"

    def parse(self, text):
        """The value of a text; `checked` checks its range.

        Raises:
            ValueError: the text is not valid; the message says what was expected.
        """
        if self.optional and text.lower() == "none" and not self._is_choice("none"):
            return None
        if self.several:
            return tuple(self._parse_one(part) for part in text.split(","))
        return self._parse_one(text)

    def checked(self, value):
        """The value in this field's form: a list as a tuple, 1 as 1.0 for a real number.

        Raises:
            ValueError: another type, no choice or out of range; the message says what was expected.
        """
        if value is None and self.optional:
            return None
        if not self.several:
            return self._checked_one(value)
        if not isinstance(value, list | tuple) or not 0 < len(value) <= LONGEST_LIST:
            raise ValueError(f"a list of 1 to {LONGEST_LIST} values, each {self._expected()}")
        return tuple(self._checked_one(each) for each in value)

    def _parse_one(self, text):
        if self.type is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if self.type in (int, float):
            try:
                value = self.type(text)
            except ValueError:
                raise ValueError(self._expected()) from None
            return value if value == value else self._checked_one(None)  # NaN
        return self._checked_one(text)

    def _checked_one(self, value):
        accepted = {bool: bool, int: numbers.Integral, float: numbers.Real, str: str}[self.type]
        fits = isinstance(value, accepted) and (self.type is bool or not isinstance(value, bool))
        if self.type is str:
            fits = fits and (self._is_choice(value) or self.choices is None and _is_name(value, self.default))
        if not fits:
            raise ValueError(self._expected())
        if self.setting.low is not None and not self.setting.low <= value <= self.setting.high:
            raise ValueError(f"a value from {self.setting.range}")
        return self.type(value)

    def _is_choice(self, text):
        return self.choices is not None and text in self.choices

    def _expected(self):
        if self.choices is not None:
            return f"one of {', '.join(self.choices)}"
        limits = f" from {self.setting.range}" if self.setting.range else ""
        return f"{_KINDS[self.type]}{limits}{', or none' * self.optional}"


def _is_name(text, default):
    return text == default or 0 < len(text) <= LONGEST_PATH and text.isprintable()


def number(value):
    """A number of a range in short form."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def shown(value):
    """A value in JSON, cut if long, for the sentence of an error."""
    if isinstance(value, list | tuple | dict):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    is_word = value is None or isinstance(value, str | bool)
    return escaped(json.dumps(value, ensure_ascii=False) if is_word else str(value))


@functools.cache
def fields_of(cls, section=""):
    """The `Field`s of a dataclass of settings and of the sections in it, in their order."""
    hints, found = typing.get_type_hints(cls, include_extras=True), []
    for item in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[item.name]):
            found += fields_of(hints[item.name], f"{section}{item.name}.")
        elif hints[item.name] is not dict:  # extensions' own: `extension_settings`
            found.append(field_from(section, item, hints[item.name]))
    return tuple(found)


def field_from(section, item, hint):
    """The `Field` of an object with a name and a default, whose type carries a `Setting`."""
    annotated = hint.__metadata__
    setting = next(each for each in annotated if isinstance(each, Setting))
    flag = next((each.name for each in annotated if not isinstance(each, Setting)), None) or item.name
    inner, optional, several, choices = hint.__origin__, False, False, setting.registry
    if typing.get_origin(inner) in (types.UnionType, typing.Union):
        (inner,), optional = (each for each in typing.get_args(inner) if each is not type(None)), True
    if typing.get_origin(inner) is tuple:
        inner, several = typing.get_args(inner)[0], True
    if typing.get_origin(inner) is typing.Literal:
        inner, choices = str, typing.get_args(inner)
    flag = f"--{flag.replace('_', '-')}"
    return Field(section + item.name, flag, inner, setting, item.default, choices, several, optional)
