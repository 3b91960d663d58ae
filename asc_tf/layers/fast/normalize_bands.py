"""Normalization of a batch's sub-bands by their own statistics, by the fastest method for the number of channels."""

import tensorflow as tf

from asc_tf.layers.fast.batch_statistics import (
    fused_batch_norm,
    is_slow,
    over_replicas,
    replicas,
    static_shape,
    statistics_over_replicas,
    values_of,
    without_bessel,
)
from asc_tf.layers.fast.normalize_rows import normalize_rows


def normalize_bands(x, gamma, beta, epsilon):
    """Normalize each band and channel by its statistics over batch, the band's frequencies and time.

    Where TensorFlow's own operation is fast, it normalizes one band after the other. Elsewhere all bands are normalized
    together, with sums over the batch computed as matrix products. Time and channel form one long row, since TensorFlow
    is slow to broadcast the short rows of small networks. Where replicas of `tf.distribute` share a batch, the
    statistics are those of the whole batch.

    Args:
        x: float32 [batch, frequency, time, channel]; the static frequency is a multiple of the bands.
        gamma, beta: [band, channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as x; mean and variance without Bessel's correction, each [band, channel], through which no
        gradient flows).
    """
    fast = _one_by_one if replicas() == 1 else _by_rows
    normalize = _by_sums if is_slow(x.shape[3]) else fast
    outputs, mean, variance = normalize(x, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta), epsilon)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _one_by_one(x, gamma, beta, epsilon):
    # Frequency is the second axis: a band's bins lie together.
    weights = zip(tf.split(x, gamma.shape[0], axis=1), tf.unstack(gamma), tf.unstack(beta), strict=True)
    outputs, means, corrected = zip(*(fused_batch_norm(*band, epsilon) for band in weights), strict=True)
    variance = tf.stack(corrected) * without_bessel(values_of(x) / gamma.shape[0])
    return tf.concat(outputs, axis=1), tf.stack(means), variance


def _by_rows(x, gamma, beta, epsilon):
    outputs, mean, variance = normalize_rows(tf.split(x, gamma.shape[0], axis=1), gamma, beta, epsilon)
    return tf.concat(outputs, axis=1), mean, variance


def _by_sums(x, gamma, beta, epsilon):
    bands, count = gamma.shape[0], values_of(x) / gamma.shape[0]
    _, bins, time, channels = static_shape(x)

    def wide(values):
        """[band, channel] to [bins * time * channel], a clip."""
        rows = tf.expand_dims(tf.tile(values, (1, time)), 1)
        return tf.reshape(tf.tile(rows, (1, bins // bands, 1)), (-1,))

    def mean_of(clips):
        """[batch, bins * time * channel] to [band, channel]."""
        clip = tf.matmul(tf.ones((1, x.shape[0] or tf.shape(x)[0])), clips)
        rows = tf.reduce_sum(tf.reshape(clip, (bands, bins // bands, time * channels)), axis=1)
        return tf.reduce_sum(tf.reshape(rows, (bands, time, channels)), axis=1) / count

    @tf.custom_gradient
    def normalize(clips, gamma, beta):
        own = mean_of(clips)
        centred = clips - wide(own)
        mean, variance = statistics_over_replicas(own, mean_of(centred * centred))
        away = own - mean  # the part of the distance to the mean over all replicas that `centred` lacks
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse

        def gradients(upstream, *_):
            level = mean_of(upstream)
            slope = (mean_of(upstream * centred) + away * level) * inverse
            all_slopes, all_levels = over_replicas(slope, level)
            by_value = all_slopes * inverse * scale
            through = centred * wide(by_value) + wide(away * by_value + all_levels * scale)
            return upstream * wide(scale) - through, slope * count, level * count

        return (centred * wide(scale) + wide(away * scale + beta), mean, variance), gradients

    outputs, mean, variance = normalize(tf.reshape(x, (-1, bins * time * channels)), gamma, beta)
    return tf.reshape(outputs, static_shape(x)), mean, variance
