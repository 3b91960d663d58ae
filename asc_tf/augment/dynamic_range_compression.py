"""Dynamic range compression: a clip as a recorder with automatic gain control would have recorded it."""

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, folded


def dynamic_range_compression(features, max_ratio, seed, probability=1.0):
    """Compress the loud frames of every clip of a batch, each clip its own way, as phones' automatic gain controls do.

    An impulse response is a filter. A device that also compresses changes how the level moves in time; no filter and no
    normalization by a bin's statistics undoes that. TAU's devices s1 to s6 filter and compress. With L the level of a
    frame,

        L_t = ln sum_f exp(x_ft),   x'_ft = x_ft - (1 - 1 / r) max(L_t - T, 0)
        r ~ Uniform(1, max_ratio),   T ~ Uniform(min_t L_t, max_t L_t)

    On a logarithm of power this is a compressor of ratio r above the threshold T, without make-up gain, whose attack
    and release are shorter than a frame. Bins at the floor of the log-mel are lowered too.

    Args:
        features: log-mel, natural logarithm of power [batch, frequency, time, channel].
        max_ratio: largest ratio, in dB of input a dB of output; 1 changes nothing.
        seed: stateless seed, int [2].
        probability: probability that a clip is compressed at all.

    Returns:
        Of the shape of `features`.

    Reference: TAU Urban Acoustic Scenes 2020 Mobile simulates its devices with this effect (Heittola et al., DCASE
    Workshop 2020); the augmentation is ours and in none of the papers.
    """
    seeds = tf.random.split(seed, 3)
    shape = (tf.shape(features)[0], 1, 1, 1)
    ratio = tf.random.stateless_uniform(shape, seeds[0], 1.0, max_ratio)
    treated = tf.random.stateless_uniform(shape, seeds[1]) < probability
    level = tf.reduce_logsumexp(features, axis=1, keepdims=True)
    lowest, highest = (reduce(level, axis=(2, 3), keepdims=True) for reduce in (tf.reduce_min, tf.reduce_max))
    threshold = lowest + (highest - lowest) * tf.random.stateless_uniform(shape, seeds[2])
    return features - tf.where(treated, (1 - 1 / ratio) * tf.nn.relu(level - threshold), 0.0)


def _compress(features, labels, seed, drc_ratio=1.0, drc_probability=0.4):
    return dynamic_range_compression(features, drc_ratio, seed, drc_probability), labels


DRC = Augmentation(_compress, place=20, switches=("drc_ratio",), seed=folded(5))
