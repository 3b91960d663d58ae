"""Dataclasses of settings from JSON or flags: every value is checked against its field."""

import dataclasses

from asc_tf.errors import AscError, escaped, nearest
from asc_tf.experiment.setting import fields_of, shown


def value_at(settings, key):
    """The value of a key such as "train.epochs" in a dataclass of sections."""
    for name in key.split("."):
        settings = getattr(settings, name)
    return settings


def check_values(settings):
    """Raise an AscError for the first value that has another type, is no choice or is out of range."""
    for item in fields_of(type(settings)):
        _checked(item, value_at(settings, item.key))


def check_flags(settings):
    """As `check_values`, for a dataclass whose fields are flags of a command."""
    for item in fields_of(type(settings)):
        check_flag(item, value_at(settings, item.key))


def check_flag(item, value):
    """Raise an AscError if a `Field`, a flag of a command, cannot have this value."""
    try:
        item.checked(value)
    except ValueError as expected:
        found = escaped(value) if isinstance(value, str) else shown(value)
        raise AscError(f"{item.flag} {found}: expected {expected}") from None


def from_values(cls, values, section=""):
    """A dataclass of settings from its JSON; missing settings get their defaults.

    Raises:
        AscError: no object, an unknown or missing setting, or a value of another type or out of range.
    """
    if not isinstance(values, dict):
        what = f"{section.rstrip('.')} is {shown(values)}, " if section else ""
        raise AscError(f"holds no settings of asc-tf ({what}expected an object)")
    own = {item.name: item.type for item in dataclasses.fields(cls)}
    known = {item.key.removeprefix(section): item for item in fields_of(cls, section)}
    arguments = {}
    for name, value in values.items():
        if name not in own:
            advice = nearest(escaped(name), list(own))
            raise AscError(f"holds no settings of asc-tf ({section}{escaped(name)} is none; {advice})")
        inner = name not in known
        arguments[name] = from_values(own[name], value, f"{section}{name}.") if inner else _checked(known[name], value)
    for name in own.keys() - arguments.keys() & known.keys():
        if known[name].default is dataclasses.MISSING:
            raise AscError(f"holds no settings of asc-tf ({section}{name} is missing)")
    return cls(**arguments)


def _checked(item, value):
    try:
        return item.checked(value)
    except ValueError as expected:
        raise AscError(f"setting {item.key} is {shown(value)}; expected {expected}") from None
