"""FreqIN, ResNorm, AdaResNorm and RFN in a form that 8-bit arithmetic keeps."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

_STEPS = 256  # of an 8-bit number
_SMALL_MEAN = 2.0  # largest mean, in standard deviations, that may be taken out after the squares are summed


def integer_norm(name, mean, variance, epsilon, shortcut, relaxed=False):
    """An `IntegerFrequencyNormalization` for the maps that it will get, and its weights.

    Args:
        name: of the layer.
        mean, variance: [clip, frequency], of the layer's inputs for some tens of clips. They give the variances of a
            bin, of which the largest divided by 256 is the floor, and tell whether the bin's mean is small.
        epsilon: of the layer that this one replaces; the least floor.
        shortcut: lambda, a number or [frequency, 1, 1].
        relaxed: RFN.

    Returns:
        (layer, [lambda]).
    """
    floor = max(float(variance.max()) / _STEPS, epsilon)
    centred = bool((np.abs(mean) > _SMALL_MEAN * np.sqrt(np.maximum(variance, floor))).any())
    shortcut = np.asarray(shortcut, np.float32)
    return IntegerFrequencyNormalization(floor, centred, relaxed, shortcut.ndim > 0, name=name), [shortcut]


@keras.saving.register_keras_serializable("asc_tf")
class IntegerFrequencyNormalization(keras.layers.Layer):
    """FreqIN, ResNorm or RFN for a file of 8-bit feature maps.

    An 8-bit map of squares keeps its largest values and rounds the others to zero: after a ReLU the deviation is a
    fortieth of the maximum, so that almost nothing of the variance is left. Here a matrix product sums a bin's squares;
    integer kernels compute it in 32 bits, and only the sum is rounded:

        m = mean(x),   v = max((x . x) / n - m^2, floor),   r = 1 / sqrt(v)

    or, where the mean is large beside the deviation and the difference of squares would cancel (`centred`):

        d = x - m,     v = max((d . d) / n, floor),         r = 1 / sqrt(v)

    FreqIN and ResNorm are then

        y = (r + lambda) x - r m   or   (r + lambda) d + lambda m

    and RFN, with R = lambda r_all of the whole clip's mean M and variance, and s = (1 - lambda) r + R,

        y = s x - (s m - R (m - M))   or   s d + R (m - M)

    In float this equals the layer that it replaces, except that `floor` takes epsilon's place: v is an 8-bit number
    too, and a variance below one step cannot be told from zero.

    Input and output: [batch, frequency, time, channel], sizes static.
    Weights: lambda, [] or [frequency, 1, 1].

    Args:
        floor: smallest variance.
        centred: subtract the mean before the squares are summed: two more passes over the feature map.
        relaxed: RFN.
        by_bin: whether each bin has its own lambda.

    Reference: own derivation; Kim et al., DCASE Workshop 2021, equations 1 to 3.
    """

    def __init__(self, floor, centred, relaxed=False, by_bin=False, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor
        self.centred = centred
        self.relaxed = relaxed
        self.by_bin = by_bin

    def build(self, input_shape):
        self.shortcut = self.add_weight("lambda", (input_shape[1], 1, 1) if self.by_bin else (), trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        mean, x, variance, inverse = self._statistics(inputs)
        if self.relaxed:
            scale, offset = self._relaxed(mean, variance, inverse)
            return x * scale + offset if self.centred else x * scale - (mean * scale - offset)
        scale = inverse + self.shortcut
        return x * scale + mean * self.shortcut if self.centred else x * scale - mean * inverse

    def _statistics(self, inputs):
        """m; x, or d if centred; v; r."""
        mean = tf.reduce_mean(inputs, axis=(2, 3), keepdims=True)
        x = inputs - mean if self.centred else inputs
        variance = _mean_square(x) if self.centred else _mean_square(x) - mean * mean
        return mean, x, variance, tf.math.rsqrt(tf.maximum(variance, self.floor))

    def _relaxed(self, mean, variance, inverse):
        between = mean - tf.reduce_mean(mean, axis=1, keepdims=True)
        overall = tf.reduce_mean(variance + between * between, axis=1, keepdims=True)
        by_clip = tf.math.rsqrt(tf.maximum(overall, self.floor)) * self.shortcut
        return inverse * (1 - self.shortcut) + by_clip, between * by_clip

    def get_config(self):
        settings = {name: getattr(self, name) for name in ("floor", "centred", "relaxed", "by_bin")}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable("asc_tf")
class IntegerAdaptiveNormalization(IntegerFrequencyNormalization):
    """AdaResNorm for a file of 8-bit feature maps: with the base's m, d and r, and weights a, b and c per channel,

        y = (b r + a) x - b r m + c   or   (b r + a) d + a m + c

    Input and output: [batch, frequency, time, channel], sizes static. Weights: a, b and c, each [channel].

    Args:
        floor, centred: of `IntegerFrequencyNormalization`.

    Reference: own derivation; Cai et al., ICASSP 2024.
    """

    def __init__(self, floor, centred, **kwargs):
        super().__init__(floor, centred, **kwargs)

    def build(self, input_shape):
        names = "identity_scale", "norm_scale", "beta"
        self.a, self.b, self.c = (self.add_weight(name, input_shape[3:], trainable=False) for name in names)
        keras.layers.Layer.build(self, input_shape)

    def call(self, inputs):
        mean, x, _, inverse = self._statistics(inputs)
        scale = inverse * self.b
        offset = mean * self.a + self.c if self.centred else self.c - mean * scale
        return x * (scale + self.a) + offset

    def get_config(self):
        return {**keras.layers.Layer.get_config(self), "floor": self.floor, "centred": self.centred}


def _mean_square(x):
    """[batch, frequency, 1, 1] of [batch, frequency, time, channel]."""
    _, bins, frames, channels = x.shape
    rows = tf.reshape(x, (-1, bins, 1, frames * channels))
    return tf.matmul(rows, rows, transpose_b=True) / (frames * channels)
