"""Settings that a registered network or augmentation defines itself: arguments that carry a `Setting`.

`model.NAME` is an argument of the network's function, `augment.AUGMENTATION.NAME` one of a registered augmentation's.
This package's own settings are in `sections`, which finds mistakes without TensorFlow. Type, range and help are in the
signature, `def net(..., kernel: Annotated[int, Setting("bins", 1, 15)] = 3)`, so that a new network or augmentation
needs no other file.
"""

import inspect
import typing
from types import SimpleNamespace

from asc_tf.errors import AscError, escaped
from asc_tf.experiment.setting import Setting, field_from, shown
from asc_tf.extensions import AUGMENTATIONS, NETWORKS


def extension_field(config, key):
    """The `Field` of a key for a Config's network and the registered augmentations, or None if none has it."""
    return {field.key: field for field in _fields(config, key)}.get(key)


def extension_fields(config):
    """All `Field`s of that kind."""
    sections = ["model.", *(f"augment.{name}." for name in AUGMENTATIONS if name not in AUGMENTATIONS.own)]
    return [field for section in sections for field in _fields(config, section)]


def check_extensions(config, values):
    """The values {key: value} of a Config's extension settings, each as its field holds it.

    Raises:
        AscError: no such setting, or a value of another type or out of range.
    """
    if not isinstance(values, dict):
        raise AscError(f"setting extensions is {shown(values)}; expected an object")
    checked = {}
    for key, value in values.items():
        field = extension_field(config, key)
        if field is None:
            raise AscError(
                f"setting {escaped(key)}: is no setting of the network {config.model.network} or of a registered "
                "augmentation; expected its package to be installed"
            )
        try:
            checked[key] = field.checked(value)
        except ValueError as expected:
            raise AscError(f"setting {key} is {shown(value)}; expected {expected}") from None
    return checked


def arguments_of(config, section):
    """{argument: value} of a Config's extension settings below a section, such as "model." or "augment.tilt."."""
    return {key.removeprefix(section): value for key, value in config.extensions.items() if key.startswith(section)}


def _fields(config, key):
    section, _, rest = key.partition(".")
    if section == "model":
        if config.model.network in NETWORKS.own:
            return []
        return _of_function(NETWORKS.find(config.model.network), "model.")
    name, dot, _ = rest.partition(".")
    if section != "augment" or not dot or name in AUGMENTATIONS.own or name not in AUGMENTATIONS:
        return []
    thing = AUGMENTATIONS[name]
    return _of_function(getattr(thing, "apply", thing), f"augment.{name}.")


def _of_function(function, section):
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [
        field_from(section, SimpleNamespace(name=each.name, default=each.default), hints[each.name])
        for each in parameters
        if any(isinstance(note, Setting) for note in getattr(hints.get(each.name), "__metadata__", ()))
    ]
