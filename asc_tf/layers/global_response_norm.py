"""Global Response Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import ALL

if TYPE_CHECKING:
    import numpy as np


@keras.saving.register_keras_serializable("asc_tf")
class GlobalResponseNormalization(keras.layers.Layer):
    """GRN: raise channels that respond more than the others, so that the channels learn different features.

        N_c = ||x_c|| / (mean_c ||x_c|| + epsilon),   GRN(x) = x + gamma * x * N_c + beta

    ||x_c|| is the Euclidean norm of a channel over frequency and time. gamma and beta start at 0, which makes GRN the
    identity. Norms are computed in float32 under any precision policy.

    Input and output: [batch, frequency, time, channel].
    Weights: gamma and beta, each [1], as CP-Mobile has them.

    Args:
        epsilon: added to the mean of the norms.

    Raises:
        ValueError: the input is not of rank 4.

    Reference: Woo et al., "ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders", CVPR 2023, section
    3.3, with a gamma and a beta for each channel; Schmid et al., DCASE Workshop 2023, with one of each.
    """

    channel_paths = ALL

    def __init__(self, epsilon: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        for name in ("gamma", "beta"):
            weight = self.add_weight(
                name=name, shape=(1,), dtype=tf.float32, initializer="zeros", experimental_autocast=False
            )
            setattr(self, name, weight)
        super().build(input_shape)

    def call(self, inputs):
        x = tf.cast(inputs, tf.float32)
        # The norm of a channel of zeros has no gradient; a square too small for a float gives it one.
        norms = tf.sqrt(tf.reduce_sum(x * x, axis=(1, 2), keepdims=True) + 1e-30)
        share = norms / (tf.reduce_mean(norms, axis=3, keepdims=True) + self.epsilon)
        return tf.cast(x * (1 + self.gamma * share) + self.beta, inputs.dtype)

    def integer_form(self, mean: np.ndarray, variance: np.ndarray) -> tuple[keras.layers.Layer, list]:
        floor = float((mean**2 + variance).mean()) / 2**16
        return IntegerGlobalResponseNormalization(floor, name=self.name), self.get_weights()

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("asc_tf")
class IntegerGlobalResponseNormalization(keras.layers.Layer):
    """GRN for a file of 8-bit feature maps.

    An 8-bit map of squares rounds all but its largest values to zero, so a matrix product sums a channel's squares;
    integer kernels compute it in 32 bits. Roots and quotients are products with 1 / sqrt, which has an integer kernel:

        q_c = (x_c . x_c) / n,   g_c = q_c / sqrt(q_c),   N_c = g_c / sqrt(mean_c g)^2

    Input and output: [batch, frequency, time, channel], sizes static. Weights: gamma and beta, each [1].

    Args:
        floor: smallest mean square whose root is taken.

    Reference: own derivation; as for `GlobalResponseNormalization`.
    """

    def __init__(self, floor, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor

    def build(self, input_shape):
        self.gamma, self.beta = (self.add_weight(name, (1,), trainable=False) for name in ("gamma", "beta"))
        super().build(input_shape)

    def call(self, inputs):
        _, bins, frames, channels = inputs.shape
        rows = tf.reshape(tf.transpose(inputs, (0, 3, 1, 2)), (-1, channels, 1, bins * frames))
        squares = tf.matmul(rows, rows, transpose_b=True) / (bins * frames)
        norms = squares * tf.math.rsqrt(tf.maximum(squares, self.floor))
        norms = tf.transpose(norms, (0, 2, 3, 1))
        inverse = tf.math.rsqrt(tf.maximum(tf.reduce_mean(norms, axis=3, keepdims=True), self.floor**0.5))
        return inputs * (1 + self.gamma * (norms * inverse * inverse)) + self.beta

    def get_config(self):
        return {**super().get_config(), "floor": self.floor}
