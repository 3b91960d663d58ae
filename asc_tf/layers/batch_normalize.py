"""Normalization by a batch's statistics, in the form that is fastest on a CPU."""

import functools

import tensorflow as tf

_FAST_CHANNELS = 8  # oneDNN's kernels take another, up to 5 times slower way where channels are no multiple of it


def batch_normalize(x, gamma, beta, epsilon):
    """Normalize each channel by its statistics over batch, frequency and time.

    TensorFlow's own operation where it is fast. Elsewhere (10, 15, 20 or 25 channels) the memory is read as rows of
    bins x channels numbers, which are multiples of eight, and the rows' statistics are merged into the channels'.

    Args:
        x: float32 [batch, frequency, time, channel].
        gamma, beta: [channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as x; mean and variance without Bessel's correction, each [channel], through which no
        gradient flows).
    """
    if needs_rows(x.shape):
        outputs, mean, variance = _normalize_rows(x, gamma, beta, epsilon)
    else:
        outputs, mean, corrected = _fused(x, gamma, beta, epsilon, is_training=True)
        variance = corrected * _bessel(tf.size(x) // x.shape[3])
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def needs_rows(shape):
    """Whether TensorFlow's own operation is slow for a [batch, frequency, time, channel] shape, and rows help."""
    bins, channels = shape[1], shape[3]
    slow = channels % _FAST_CHANNELS and bins is not None and not bins * channels % _FAST_CHANNELS
    return bool(slow) and not _gpus()


@functools.cache
def _gpus():
    return len(tf.config.list_physical_devices("GPU"))


def _normalize_rows(x, gamma, beta, epsilon):
    bins, channels = x.shape[1], x.shape[3]
    shape, count = tf.shape(x), tf.cast(tf.size(x) // channels, x.dtype)

    def wide(values):
        """[channel] to [bins * channel]."""
        return tf.tile(values, (bins,))

    def mean_of(values):
        """[bins * channel] to [channel]."""
        return tf.reduce_mean(tf.reshape(values, (bins, channels)), axis=0)

    def affine(rows, scale, offset):
        return _fused(rows, wide(scale), wide(offset), 0.0, is_training=False)[0]

    @tf.custom_gradient
    def normalize(rows, gamma, beta):
        ones = tf.ones((bins * channels,))
        _, means, variances = _fused(rows, ones, tf.zeros_like(ones), epsilon, is_training=True)
        mean = mean_of(means)
        variance = mean_of(variances * _bessel(tf.shape(rows)[0]) + tf.square(means - wide(mean)))
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse
        outputs = affine(rows, scale, beta - mean * scale)

        def gradients(upstream, *_):
            # As if the statistics were constants, then what flows through them.
            direct, slopes, levels, _, _ = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=upstream,
                x=rows,
                scale=wide(gamma),
                reserve_space_1=wide(mean),
                reserve_space_2=wide(variance),
                reserve_space_3=tf.zeros(()),
                epsilon=epsilon,
                is_training=False,
            )
            slope, level = mean_of(slopes) * bins, mean_of(levels) * bins
            by_value = slope * inverse * scale / count
            return direct + affine(rows, -by_value, by_value * mean - level * scale / count), slope, level

        return (outputs, mean, variance), gradients

    rows = tf.reshape(x, (-1, 1, 1, bins * channels))
    outputs, mean, variance = normalize(rows, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))
    return tf.reshape(outputs, shape), mean, variance


def _fused(x, scale, offset, epsilon, is_training):
    """TensorFlow's operation: (outputs, mean, variance with Bessel's correction)."""
    given = tf.zeros((0,)) if is_training else None
    mean = given if is_training else tf.zeros_like(scale)
    variance = given if is_training else tf.ones_like(scale)
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=epsilon, is_training=is_training
    )[:3]


def _bessel(count):
    """What Bessel's correction is taken back by."""
    count = tf.cast(count, tf.float32)
    return (count - 1) / count
