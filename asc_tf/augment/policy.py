"""The augmentations of a recipe, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asc_tf.augment.augmentation import Augmentation
from asc_tf.extensions import AUGMENTATIONS

if TYPE_CHECKING:
    import tensorflow as tf


def augment_batch(features: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, **settings) -> tuple[tf.Tensor, tf.Tensor]:
    """Roll, compress, change the gain of, mix the styles of, mask, then mix a batch; skip steps left at defaults.

    The default of every setting leaves its method out or makes it change nothing:

        roll_frames=0, roll_probability=1.0                                         `time_roll`
        drc_ratio=1.0, drc_probability=0.4                                          `dynamic_range_compression`
        gain_db=0.0, gain_probability=1.0                                           `random_gain`
        mixstyle_alpha=0.0, mixstyle_probability=0.4                                `freq_mixstyle`
        frequency_mask_bins=0, frequency_masks=2, time_mask_frames=0, time_masks=2,
        mask_probability=1.0                                                        `spec_augment`
        mixup_alpha=0.0                                                             `mixup`

    Augmentations of waveforms come before the features and are not here.

    Args:
        features: [batch, frequency, time, channel].
        labels: one-hot [batch, classes].
        seed: stateless seed, int [2]; the same seed gives the same batch.
        settings: as above; for a registered augmentation (`asc_tf.register`) NAME={setting: value}.

    Returns:
        (features, labels) of the same shapes.

    Raises:
        TypeError: a setting that no augmentation has.

    Examples:
        >>> import asc_tf, numpy as np
        >>> batch, labels = np.zeros((2, 4, 6, 1), "float32"), np.eye(2, dtype="float32")
        >>> features, _ = asc_tf.augment_batch(batch, labels, seed=(0, 1), gain_db=6.0)
        >>> features.shape
        TensorShape([2, 4, 6, 1])
    """
    for name, step, given in _steps(settings):
        features, labels = step.apply(features, labels, step.own_seed(name, seed), **given)
    return features, labels


def _steps(settings):
    """(name, `Augmentation`, its settings) of the augmentations that are switched on, in their order."""
    owners = {setting: name for name in AUGMENTATIONS.own for setting in AUGMENTATIONS[name].settings}
    given = {}
    for setting, value in settings.items():
        if setting in owners:
            given.setdefault(owners[setting], {})[setting] = value
        elif setting in AUGMENTATIONS and setting not in AUGMENTATIONS.own:
            given[setting] = dict(value)
        else:
            raise TypeError(f"augment_batch has no setting '{setting}'")
    found = [(name, registered(name), chosen) for name, chosen in given.items()]
    return sorted((each for each in found if each[1].is_on(each[2])), key=lambda each: each[1].place)


def registered(name):
    """The `Augmentation` of a name; a plain function becomes one with the usual place.

    Raises:
        AscError: no augmentation has the name, or it cannot be imported.
    """
    thing = AUGMENTATIONS.find(name)
    return thing if isinstance(thing, Augmentation) else Augmentation(thing)
