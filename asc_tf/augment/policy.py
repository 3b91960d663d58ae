"""The augmentations of a recipe, one after the other."""

import tensorflow as tf

from asc_tf.augment.mixup import mixup
from asc_tf.augment.spec_augment import spec_augment
from asc_tf.augment.time_roll import time_roll


def augment_batch(
    features,
    labels,
    seed,
    roll_frames=0,
    mixup_alpha=0.0,
    frequency_mask_bins=0,
    frequency_masks=2,
    time_mask_frames=0,
    time_masks=2,
):
    """Roll, mask, then mix a batch; 0 leaves a method out. Arguments as in the functions of their names.

    Args:
        features: [batch, frequency, time, channel].
        labels: one-hot [batch, classes].
        seed: stateless seed, int [2]; the same seed gives the same batch.

    Returns:
        (features, labels) of the same shapes.
    """
    seeds = tf.random.split(seed, 3)
    if roll_frames:
        features = time_roll(features, roll_frames, seeds[0])
    if frequency_mask_bins or time_mask_frames:
        features = spec_augment(features, frequency_mask_bins, frequency_masks, time_mask_frames, time_masks, seeds[1])
    if mixup_alpha:
        features, labels = mixup(features, labels, mixup_alpha, seeds[2])
    return features, labels
