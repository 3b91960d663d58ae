"""The augmentations of a recipe, one after the other."""

import tensorflow as tf

from asc_tf.augment.dynamic_range_compression import dynamic_range_compression
from asc_tf.augment.freq_mixstyle import freq_mixstyle
from asc_tf.augment.mixup import mixup
from asc_tf.augment.random_gain import random_gain
from asc_tf.augment.spec_augment import spec_augment
from asc_tf.augment.time_roll import time_roll


def augment_batch(
    features,
    labels,
    seed,
    roll_frames=0,
    roll_probability=1.0,
    mixup_alpha=0.0,
    mixstyle_alpha=0.0,
    mixstyle_probability=0.4,
    frequency_mask_bins=0,
    frequency_masks=2,
    time_mask_frames=0,
    time_masks=2,
    mask_probability=1.0,
    gain_db=0.0,
    gain_probability=1.0,
    drc_ratio=1.0,
    drc_probability=0.4,
):
    """Roll, compress, change the gain of, mix the styles of, mask, then mix a batch.

    0 leaves a method out, and so does a `drc_ratio` of 1.

    Arguments as in the methods' functions. What acts on waveforms comes before the features and is not here.

    Args:
        features: [batch, frequency, time, channel].
        labels: one-hot [batch, classes].
        seed: stateless seed, int [2]; the same seed gives the same batch.

    Returns:
        (features, labels) of the same shapes.
    """
    seeds = tf.random.split(seed, 3)
    if roll_frames:
        features = time_roll(features, roll_frames, seeds[0], roll_probability)
    if drc_ratio > 1:
        features = dynamic_range_compression(features, drc_ratio, tf.random.fold_in(seed, 5), drc_probability)
    if gain_db:
        features = random_gain(features, gain_db, tf.random.fold_in(seed, 4), gain_probability)
    if mixstyle_alpha:
        features = freq_mixstyle(features, mixstyle_alpha, mixstyle_probability, tf.random.fold_in(seed, 3))
    if frequency_mask_bins or time_mask_frames:
        features = spec_augment(
            features, frequency_mask_bins, frequency_masks, time_mask_frames, time_masks, seeds[1], mask_probability
        )
    if mixup_alpha:
        features, labels = mixup(features, labels, mixup_alpha, seeds[2])
    return features, labels
