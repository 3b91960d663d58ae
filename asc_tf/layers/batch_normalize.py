"""Normalization by a batch's statistics, in the form that is fastest on a CPU."""

import functools

import tensorflow as tf

_FAST_CHANNELS = 8  # oneDNN's kernels take another, up to 5 times slower way where channels are no multiple of it


def batch_normalize(bands, gamma, beta, epsilon):
    """Normalize each band and channel by its statistics over batch, the band's frequencies and time.

    TensorFlow's own operation where it is fast. Elsewhere (10, 15, 20 or 25 channels) the memory is read as rows of
    bins x channels numbers, which are multiples of eight, and the rows' statistics are merged into the channels'.

    Args:
        bands: float32 [batch, frequency, time, channel] each, of one static shape but for the batch and time.
        gamma, beta: [band, channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as the bands; mean and variance without Bessel's correction, each [band, channel], through
        which no gradient flows).
    """
    normalize = _normalize_rows if needs_rows(bands[0].shape) else _normalize
    outputs, mean, variance = normalize(bands, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta), epsilon)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def needs_rows(shape):
    """Whether TensorFlow's own operation is slow for a [batch, frequency, time, channel] shape, and rows help."""
    bins, channels = shape[1], shape[3]
    slow = channels % _FAST_CHANNELS and bins is not None and not bins * channels % _FAST_CHANNELS
    return bool(slow) and not _gpus()


@functools.cache
def _gpus():
    return len(tf.config.list_physical_devices("GPU"))


def _normalize(bands, gamma, beta, epsilon):
    weights = zip(bands, tf.unstack(gamma), tf.unstack(beta), strict=True)
    fused = [_fused(*band, epsilon, is_training=True) for band in weights]
    outputs, means, corrected = zip(*fused, strict=True)
    return outputs, tf.stack(means), tf.stack(corrected) * _bessel(tf.size(bands[0]) // bands[0].shape[3])


def _normalize_rows(bands, gamma, beta, epsilon):
    # Sizes as plain numbers where they are known: a deep network has dozens of these to trace.
    _, bins, time, channels = bands[0].shape
    time = time or tf.shape(bands[0])[2]
    count = tf.cast(tf.shape(bands[0])[0] * bins * time, tf.float32)

    def wide(values):
        """[band, channel] to [band, bins * channel]."""
        return tf.tile(values, (1, bins))

    def mean_of(each):
        """[bins * channel] of each band to [band, channel]."""
        return tf.reduce_mean(tf.reshape(each, (-1, bins, channels)), axis=1)

    def affine(rows, scale, offset):
        by_band = zip(rows, tf.unstack(wide(scale)), tf.unstack(wide(offset)), strict=True)
        return [_fused(*band, 0.0, is_training=False)[0] for band in by_band]

    @tf.custom_gradient
    def normalize(gamma, beta, *rows):
        ones = tf.ones((bins * channels,))
        moments = [_fused(band, ones, tf.zeros_like(ones), epsilon, is_training=True)[1:] for band in rows]
        means, variances = (tf.stack(each) for each in zip(*moments, strict=True))
        mean = mean_of(means)
        variance = mean_of(variances * _bessel(tf.shape(rows[0])[0]) + tf.square(means - wide(mean)))
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse
        outputs = affine(rows, scale, beta - mean * scale)

        def gradients(*upstream):
            # As if the statistics were constants, then what flows through them.
            given = [tf.unstack(wide(values)) for values in (gamma, mean, variance)]
            upstream = upstream[: len(rows)]  # without the statistics'
            frozen = [_frozen_gradient(*band, epsilon) for band in zip(upstream, rows, *given, strict=True)]
            direct, slopes, levels = zip(*frozen, strict=True)
            slope, level = mean_of(slopes) * bins, mean_of(levels) * bins
            by_value = slope * inverse * scale / count
            through = affine(rows, -by_value, by_value * mean - level * scale / count)
            return slope, level, *(one + other for one, other in zip(direct, through, strict=True))

        return (*outputs, mean, variance), gradients

    rows = [tf.reshape(band, (-1, 1, 1, bins * channels)) for band in bands]
    *outputs, mean, variance = normalize(gamma, beta, *rows)
    return [tf.reshape(rows, (-1, bins, time, channels)) for rows in outputs], mean, variance


def _frozen_gradient(upstream, x, scale, mean, variance, epsilon):
    """Gradients of x, scale and offset of TensorFlow's operation for given statistics."""
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=x,
        scale=scale,
        reserve_space_1=mean,
        reserve_space_2=variance,
        reserve_space_3=tf.zeros(()),
        epsilon=epsilon,
        is_training=False,
    )[:3]


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
