"""SpecAugment without time warping."""

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, third


def spec_augment(features, frequency_mask_bins, frequency_masks, time_mask_frames, time_masks, seed, probability=1.0):
    """Hide random bands of frequency and stretches of time behind the clip's mean.

    Each mask draws its width uniformly from 0 to the given maximum, then its place uniformly among those where it fits.

    Args:
        features: [batch, frequency, time, channel].
        frequency_mask_bins, frequency_masks: widest band and number of bands; 40 and 2 in the papers.
        time_mask_frames, time_masks: longest stretch and number of stretches; 80 and 2 (QTI), 4 and 2 (HYU).
        seed: stateless seed, int [2].
        probability: probability that each mask is applied at all; 1 in QTI's papers, 0.8 in HYU's.

    Returns:
        Of the shape of `features`.

    Reference: Park et al., "SpecAugment", Interspeech 2019; used for the large model only by Kim et al., DCASE Workshop
    2021, section 3.1. The papers do not name the value inside a mask; here it is the clip's mean.
    """
    shape = tf.shape(features)
    seeds = tf.random.split(seed, 2)
    hidden_bins = _masks(shape[0], shape[1], frequency_mask_bins, frequency_masks, seeds[0], probability)
    hidden_frames = _masks(shape[0], shape[2], time_mask_frames, time_masks, seeds[1], probability)
    hidden = hidden_bins[:, :, tf.newaxis, tf.newaxis] | hidden_frames[:, tf.newaxis, :, tf.newaxis]
    return tf.where(hidden, tf.reduce_mean(features, axis=(1, 2, 3), keepdims=True), features)


def _masks(batch, length, widest, count, seed, probability):
    """Boolean [batch, length], true inside any of `count` masks."""
    seeds = tf.random.split(seed, 2)
    widths = tf.random.stateless_uniform((batch, count, 1), seeds[0], 0, tf.minimum(widest, length) + 1, tf.int32)
    if probability < 1:
        draws = tf.random.stateless_uniform((batch, count, 1), tf.random.fold_in(seed, 1))
        widths = tf.where(draws < probability, widths, 0)
    room = tf.cast(length - widths + 1, tf.float32)
    starts = tf.cast(tf.random.stateless_uniform((batch, count, 1), seeds[1]) * room, tf.int32)
    places = tf.range(length)
    return tf.reduce_any((places >= starts) & (places < starts + widths), axis=1)


def _mask(
    features,
    labels,
    seed,
    frequency_mask_bins=0,
    frequency_masks=2,
    time_mask_frames=0,
    time_masks=2,
    mask_probability=1.0,
):
    masks = (frequency_mask_bins, frequency_masks, time_mask_frames, time_masks)
    return spec_augment(features, *masks, seed, mask_probability), labels


MASK = Augmentation(_mask, place=50, switches=("frequency_mask_bins", "time_mask_frames"), seed=third(1))
