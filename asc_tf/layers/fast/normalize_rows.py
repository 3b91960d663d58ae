"""Batch normalization of rows of numbers by TensorFlow's fast operations, with the statistics of all replicas."""

import tensorflow as tf

from asc_tf.layers.fast.batch_statistics import (
    fused_batch_norm,
    over_replicas,
    statistics_over_replicas,
    values_of,
    without_bessel,
)


def normalize_rows(groups, gamma, beta, epsilon):
    """Normalize the channels of each group of rows by their statistics, taken over all replicas that share a batch.

    Args:
        groups: G tensors, float32 [any, any, any, repeat * channel], whose rows repeat every channel this many times.
        gamma, beta: [G, channel].
        epsilon: added to the variance.

    Returns:
        (list of the outputs, shaped as `groups`; mean and variance without Bessel's correction, each [G, channel],
        through which no gradient flows).
    """
    channels = gamma.shape[1]
    repeats, rows = groups[0].shape[3] // channels, values_of(groups[0])
    count = rows * repeats

    def wide(values):
        """[G, channel] to [G, repeat * channel]."""
        return tf.tile(values, (1, repeats))

    def mean_of(values):
        """G times [repeat * channel] to [G, channel]."""
        return tf.reduce_mean(tf.reshape(values, (-1, repeats, channels)), axis=1)

    @tf.custom_gradient
    def normalize(gamma, beta, *groups):
        zeros, ones = tf.zeros((repeats * channels,)), tf.ones((repeats * channels,))
        _, means, corrected = zip(*(fused_batch_norm(group, ones, zeros, epsilon) for group in groups), strict=True)
        mean = mean_of(means)
        variance = mean_of(tf.stack(corrected) * without_bessel(rows) + tf.square(tf.stack(means) - wide(mean)))
        mean, variance = statistics_over_replicas(mean, variance)
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse

        def gradients(*upstreams):
            # The gradient with constant statistics, plus the part that flows through them.
            fixed = zip(*(tf.unstack(wide(values)) for values in (gamma, mean, variance)), strict=True)
            each = zip(upstreams[: len(groups)], groups, fixed, strict=True)
            direct, slopes, levels = zip(*(_fixed_gradients(*one, epsilon) for one in each), strict=True)
            slope, level = mean_of(slopes) * repeats, mean_of(levels) * repeats
            all_slopes, all_levels = over_replicas(slope, level)
            by_value, by_one = all_slopes * inverse * scale / count, all_levels * scale / count
            through = _affine(groups, wide(-by_value), wide(by_value * mean - by_one))
            return slope, level, *(one + other for one, other in zip(direct, through, strict=True))

        return (*_affine(groups, wide(scale), wide(beta - mean * scale)), mean, variance), gradients

    *outputs, mean, variance = normalize(tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta), *groups)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _affine(groups, scales, offsets):
    """scale * group + offset, in one pass."""
    zeros, ones = tf.zeros(groups[0].shape[3:]), tf.ones(groups[0].shape[3:])
    return [
        tf.raw_ops.FusedBatchNormV3(
            x=group, scale=scale, offset=offset, mean=zeros, variance=ones, epsilon=0.0, is_training=False
        )[0]
        for group, scale, offset in zip(groups, tf.unstack(scales), tf.unstack(offsets), strict=True)
    ]


def _fixed_gradients(upstream, group, fixed, epsilon):
    """Gradients for a group, its gamma and its beta with constant statistics; `fixed`: gamma and the statistics."""
    gamma, mean, variance = fixed
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=group,
        scale=gamma,
        reserve_space_1=mean,
        reserve_space_2=variance,
        reserve_space_3=tf.zeros(()),
        epsilon=epsilon,
        is_training=False,
    )[:3]
