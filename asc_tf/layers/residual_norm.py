"""Frequency-wise instance normalization and Residual Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import ALL
from asc_tf.layers.integer_frequency_norm import integer_norm

if TYPE_CHECKING:
    import numpy as np


def frequency_statistics(x):
    """For [batch, frequency, time, channel]: mu_nf, sigma_nf^2, each [batch, frequency, 1, 1], and x - mu_nf."""
    # Only products and sums: these have fast integer kernels in TFLite, where tf.nn.moments becomes the slow
    # SQUARED_DIFFERENCE.
    mean = _row_mean(x)
    centred = x - mean
    return mean, _row_mean(centred * centred), centred


def _row_mean(x):
    return tf.reduce_mean(x, axis=(2, 3), keepdims=True)


def _normalize(x, shortcut, epsilon, spread=1.0):
    """shortcut * x + FreqIN(x), with the gradient of automatic differentiation in half the passes.

    `spread` multiplies the variance.
    """

    @tf.custom_gradient
    def normalize(x, shortcut):
        mean, variance, centred = frequency_statistics(x)
        inverse = tf.math.rsqrt(spread * variance + epsilon)

        def gradients(upstream):
            level, slope = _row_mean(upstream), _row_mean(upstream * centred)
            along = centred * (spread * slope * inverse**3) + level * inverse
            by_bin = tf.reduce_sum(slope + level * mean, axis=0) * tf.cast(tf.size(x[0, 0]), x.dtype)
            by_shortcut = by_bin if shortcut.shape.rank else tf.reduce_sum(by_bin)
            return upstream * (inverse + shortcut) - along, by_shortcut

        return x * (inverse + shortcut) - mean * inverse, gradients

    return normalize(x, shortcut)


@keras.saving.register_keras_serializable("asc_tf")
class FrequencyInstanceNormalization(keras.layers.Layer):
    """FreqIN: normalize every frequency bin of every clip by its own statistics.

    The differences between recording devices show along frequency, so FreqIN removes the mean and the standard
    deviation of each bin, taken over time and channels:

        FreqIN(x) = (x - mu_nf) / sqrt(sigma_nf^2 + epsilon)

    Statistics are computed in float32 under any precision policy.

    Input and output: [batch, frequency, time, channel].

    Args:
        epsilon: added to the variance.

    Raises:
        ValueError: the input is not of rank 4.

    Reference: Kim et al., "Domain Generalization on Efficient Acoustic Scene Classification using
    Residual Normalization", DCASE Workshop 2021, equations 1 and 2.
    """

    channel_paths = ALL
    unbiased = False

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        return self._normalize(inputs, shortcut=0.0)

    def _normalize(self, inputs, shortcut):
        x = tf.cast(inputs, tf.float32)
        return tf.cast(_normalize(x, tf.convert_to_tensor(shortcut), self.epsilon, self._spread(x)), inputs.dtype)

    def _spread(self, x):
        """n / (n - 1) for the n numbers of a bin, or 1."""
        if not self.unbiased:
            return 1.0
        if None in x.shape[2:]:
            raise ValueError(f"layer '{self.name}' got time or channels of unknown size; expected static ones")
        numbers = x.shape[2] * x.shape[3]
        return numbers / max(numbers - 1, 1)

    def integer_form(self, mean: np.ndarray, variance: np.ndarray) -> tuple[keras.layers.Layer, list]:
        """(layer, weights) of the same in 8-bit arithmetic; mean and variance [clip, frequency] of its inputs."""
        return integer_norm(self.name, mean, variance, self.epsilon, 0.0)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("asc_tf")
class ResidualNormalization(FrequencyInstanceNormalization):
    """ResNorm: FreqIN plus a weighted identity shortcut.

    FreqIN alone also discards what tells scenes apart; the shortcut keeps a share of it:

        ResNorm(x) = lambda * x + FreqIN(x)

    Input and output: [batch, frequency, time, channel].

    Args:
        lambda_: the weight of the shortcut (the papers use 0.1; 0 gives FreqIN).
        learnable: train `lambda_`, starting from the given value: "scalar" (or True) one weight, "bin" one weight a
            frequency bin, static. The papers keep it fixed (False) and leave this as future work.
        epsilon: added to the variance.
        unbiased: divide the sum of squares by one less than their number, as PyTorch's `var` does; time and channels
            must then be static. The 8-bit form omits this, since the difference is far less than a step of 8 bits.

    Raises:
        ValueError: `lambda_` is negative, `learnable` unknown, or the input is not of rank 4 or, for "bin", of unknown
            frequency.

    Reference: as for `FrequencyInstanceNormalization`, equation 3.

    Examples:
        >>> import asc_tf, numpy as np
        >>> layer = asc_tf.ResidualNormalization(lambda_=0.1)
        >>> layer(np.zeros((2, 256, 334, 1), "float32")).shape
        TensorShape([2, 256, 334, 1])
    """

    def __init__(
        self,
        lambda_: float = 0.1,
        learnable: bool | str = False,
        epsilon: float = 1e-5,
        unbiased: bool = False,
        **kwargs,
    ):
        super().__init__(epsilon=epsilon, **kwargs)
        if lambda_ < 0:
            raise ValueError(f"lambda_ is {lambda_}; expected 0 or more")
        if learnable not in (False, True, "scalar", "bin"):
            raise ValueError(f"learnable is '{learnable}'; expected False, True, 'scalar' or 'bin'")
        self.lambda_ = lambda_
        self.learnable = learnable
        self.unbiased = unbiased

    def build(self, input_shape):
        if self.learnable:
            by_bin = self.learnable == "bin"
            if by_bin and input_shape[1] is None:
                raise ValueError(f"layer '{self.name}' got unknown frequency; expected a static number of bins")
            self.shortcut = self.add_weight(
                name="lambda",
                shape=(input_shape[1], 1, 1) if by_bin else (),
                dtype=tf.float32,
                initializer=keras.initializers.Constant(self.lambda_),
                experimental_autocast=False,
            )
        super().build(input_shape)

    def call(self, inputs):
        return self._normalize(inputs, shortcut=self.shortcut if self.learnable else self.lambda_)

    def integer_form(self, mean: np.ndarray, variance: np.ndarray) -> tuple[keras.layers.Layer, list]:
        shortcut = self.shortcut.numpy() if self.learnable else self.lambda_
        return integer_norm(self.name, mean, variance, self.epsilon, shortcut)

    def get_config(self):
        settings = {"lambda_": self.lambda_, "learnable": self.learnable, "unbiased": self.unbiased}
        return {**super().get_config(), **settings}
