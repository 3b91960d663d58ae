"""The searched settings of a Config, each with a range or with choices."""

import dataclasses
import itertools
import math
from dataclasses import dataclass

from asc_tf.errors import AscError, escaped, nearest
from asc_tf.experiment.extension_settings import extension_fields
from asc_tf.experiment.setting import Searched, fields_of
from asc_tf.experiment.settings import Config


@dataclass(frozen=True)
class Dimension(Searched):
    """One searched setting: its key and its range or choices, from its field or from the user."""

    key: str = ""

    def declare(self, hp):
        """The setting's value in a `keras_tuner.HyperParameters`, to which it is added."""
        if self.choices:
            return hp.Choice(self.name, list(self.choices), default=self.choices[0], ordered=False)
        if self.step:
            return hp.Int(self.name, self.low, self.high, step=self.step)
        return hp.Float(self.name, self.low, self.high, sampling=self.sampling)

    def values(self):
        """All values of a dimension of choices or whole numbers."""
        return list(self.choices) or [*range(self.low, self.high + 1, self.step)]

    def setting(self, value):
        """ "key=value", as `Config.with_settings` takes it."""
        if self.choices:
            return f"{self.key}={value.replace('-', ',') if self.name == 'depth' else value}"
        return f"{self.key}={value if self.step else format(value, '.4g')}"


DIMENSIONS = {
    field.setting.searched.name: Dimension(**vars(field.setting.searched), key=field.key)
    for field in fields_of(Config)
    if field.setting.searched
}
"""{name: `Dimension`} of all settings that can be searched, without those that a network defines itself."""


def dimensions_of(config):
    """{name: `Dimension`} of all settings that a search can vary for a Config's network."""
    own = [field for field in extension_fields(config) if field.setting.searched]
    return DIMENSIONS | {
        field.setting.searched.name: Dimension(**vars(field.setting.searched), key=field.key) for field in own
    }


class Space:
    """Several `Dimension`s of one network.

    Args:
        text: "lambda,width" takes the ranges of `DIMENSIONS`; "lambda=0:0.5,width=4:40" sets others, and
            "norm_position=input|all,depth=1-1-1-2|2-2-2-3" sets choices.
        config: the Config whose settings vary.

    Raises:
        AscError: no such dimension, an invalid range, or a value that no run can use.
    """

    def __init__(self, text, config):
        self.text, self.config = text, config
        names, known = [item.partition("=")[0] for item in text.split(",")], dimensions_of(config)
        for name in names:
            if name not in known:
                raise AscError(f"--space {escaped(name)}: cannot be searched; {nearest(escaped(name), list(known))}")
            if names.count(name) > 1:
                raise AscError(f"--space {name}: is named twice")
            if name == "scale" and config.model.network != "bc-res2net":
                raise AscError(f"--space scale: the network {config.model.network} has no scale; bc-res2net has")
        self.dimensions = [_parse(item, config) for item in text.split(",")]
        self._check()

    def hyperparameters(self):
        """`keras_tuner.HyperParameters` with all of the dimensions."""
        import keras_tuner  # imports TensorFlow: mistakes in a space are reported before

        hp = keras_tuner.HyperParameters()
        for dimension in self.dimensions:
            dimension.declare(hp)
        return hp

    def configured(self, values):
        """The Config with values {name: value}; other names, such as KerasTuner's own, are ignored."""
        return self.config.with_settings([d.setting(values[d.name]) for d in self.dimensions if d.name in values])

    def combinations(self):
        """({name: value} of the structural dimensions except width, ...), then the widths, [None] if fixed."""
        structural = [d for d in self.dimensions if d.structural and d.name != "width"]
        others = [
            dict(zip((d.name for d in structural), values, strict=True))
            for values in itertools.product(*(d.values() for d in structural))
        ]
        widths = next((d.values() for d in self.dimensions if d.name == "width"), [None])
        return others, widths

    def _check(self):
        for dimension in self.dimensions:
            ends = dimension.choices or (dimension.low, dimension.high)
            for value in ends:
                try:
                    self.configured({dimension.name: value})
                except AscError as error:
                    raise AscError(
                        f"--space {dimension.name}: {escaped(str(value))} cannot be used ({error})"
                    ) from None


def _parse(item, config):
    name, equals, text = item.partition("=")
    dimension = dimensions_of(config)[name]
    given = {}
    if equals and dimension.choices:
        given["choices"] = tuple(text.split("|"))
        if len(set(given["choices"])) < len(given["choices"]):
            raise AscError(f"--space {escaped(item)}: a choice is given twice")
    elif equals:
        given["low"], given["high"] = _range(item, text, int if dimension.step else float)
    if name == "width" and config.model.network == "bc-res2net":
        step = 2 * (config.model.scale or 4)
        given = {"high": dimension.high, **given, "step": step}
        given["low"] = -(-given.get("low", dimension.low) // step) * step
    return dataclasses.replace(dimension, **given)


def _range(item, text, number):
    low, _, high = text.partition(":")
    try:
        low, high = number(low), number(high)
    except ValueError:
        low, high = math.nan, math.nan
    if not low < high:
        kind = "whole numbers" if number is int else "numbers"
        raise AscError(f"--space {escaped(item)}: expected a range of two {kind}, the lower first, such as width=4:40")
    return low, high
