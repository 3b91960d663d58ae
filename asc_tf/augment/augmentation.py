"""What an augmentation says of itself, so that `augment_batch` needs to know none of them."""

import functools
import inspect
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

USUAL_PLACE = 45
"""Of an augmentation that does not say: behind what changes the sound, before what hides or mixes it."""


@dataclass(frozen=True)
class Augmentation:
    """A step of `augment_batch`.

    Args:
        apply: function (features [batch, frequency, time, channel], one-hot labels [batch, classes], seed [2],
            **settings) to the like (features, labels). Its keyword arguments are its settings, all with defaults.
        place: in the order of all augmentations; the lowest comes first.
        switches: names of settings; while all of them have their defaults, the step is left out.
        seed: function from the batch's stateless seed to the step's own; None makes one of the name, which is another
            for every name.
    """

    apply: Callable
    place: float = USUAL_PLACE
    switches: tuple[str, ...] = ()
    seed: Callable | None = None

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """{name: `inspect.Parameter`} of its settings."""
        return dict(list(inspect.signature(self.apply).parameters.items())[3:])

    def is_on(self, given: dict) -> bool:
        """Whether settings {name: value} ask for it."""
        if not self.switches:
            return True
        return any(
            given.get(name, self.settings[name].default) != self.settings[name].default for name in self.switches
        )

    def own_seed(self, name: str, seed: tf.Tensor) -> tf.Tensor:
        """The seed of its draws, of the batch's."""
        return self.seed(seed) if self.seed else folded(zlib.crc32(name.encode()) & 0x7FFFFFFF)(seed)


def folded(number):
    """Seeds of one number, another for each; those of this package are small."""
    return functools.partial(_fold, number=number)


def third(index):
    """One of the three seeds that the batch's was split into first: those of the papers' own augmentations."""
    return functools.partial(_third, index=index)


def _fold(seed, number):
    return tf.random.fold_in(seed, number)


def _third(seed, index):
    return tf.random.split(seed, 3)[index]
