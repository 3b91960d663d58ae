"""The description of an augmentation, so that `augment_batch` needs to know no augmentation by name."""

import functools
import inspect
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

USUAL_PLACE = 45
"""Place of an augmentation that names none: after those that change the sound, before those that hide or mix it."""


@dataclass(frozen=True)
class Augmentation:
    """A step of `augment_batch`.

    Args:
        apply: function (features [batch, frequency, time, channel], one-hot labels [batch, classes], seed [2],
            **settings) to (features, labels) of the same shapes. Its keyword arguments, all with defaults, are the
            settings.
        place: position in the order of all augmentations; the lowest comes first.
        switches: names of settings; while all of them have their defaults, the step is left out.
        seed: function from the batch's stateless seed to the step's own; None derives a different one from each name.
    """

    apply: Callable
    place: float = USUAL_PLACE
    switches: tuple[str, ...] = ()
    seed: Callable | None = None

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """{name: `inspect.Parameter`} of the augmentation's settings."""
        return dict(list(inspect.signature(self.apply).parameters.items())[3:])

    def is_on(self, given: dict) -> bool:
        """Whether settings {name: value} switch the augmentation on."""
        if not self.switches:
            return True
        return any(
            given.get(name, self.settings[name].default) != self.settings[name].default for name in self.switches
        )

    def own_seed(self, name: str, seed: tf.Tensor) -> tf.Tensor:
        """The seed of the augmentation's draws, from the batch's seed."""
        return self.seed(seed) if self.seed else folded(zlib.crc32(name.encode()) & 0x7FFFFFFF)(seed)


def folded(number):
    """Seeds derived from one number, different for each number; this package uses small numbers."""
    return functools.partial(_fold, number=number)


def third(index):
    """One of the three seeds that the batch's seed is split into first, for the augmentations of the papers."""
    return functools.partial(_third, index=index)


def _fold(seed, number):
    return tf.random.fold_in(seed, number)


def _third(seed, index):
    return tf.random.split(seed, 3)[index]
