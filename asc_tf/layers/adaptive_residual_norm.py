"""Adaptive Residual Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.integer_frequency_norm import IntegerAdaptiveNormalization, integer_norm
from asc_tf.layers.residual_norm import FrequencyInstanceNormalization

if TYPE_CHECKING:
    import numpy as np


@keras.saving.register_keras_serializable("asc_tf")
class AdaptiveResidualNormalization(FrequencyInstanceNormalization):
    """AdaResNorm: FreqIN and identity, weighted channel by channel, then scaled and shifted.

    Residual Normalization gives its shortcut one fixed weight; here training finds a weight for each channel:

        AdaResNorm(x) = gamma_c * (rho_c * x + (1 - rho_c) * FreqIN(x)) + beta_c

    Input and output: [batch, frequency, time, channel], channels static.
    Weights: rho, gamma and beta, each [channel].

    Args:
        rho: initial value of the weights rho; gamma starts at 1, beta at 0.
        epsilon, unbiased: of `ResidualNormalization`.

    Raises:
        ValueError: `rho` is not within 0 to 1, or the input is not of rank 4 or of unknown channels.

    Reference: Cai et al., "TF-SepNet: An Efficient 1D Kernel Design in CNNs for Low-Complexity Acoustic Scene
    Classification", ICASSP 2024.
    """

    def __init__(self, rho: float = 0.5, epsilon: float = 1e-5, unbiased: bool = False, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)
        if not 0 <= rho <= 1:
            raise ValueError(f"rho is {rho}; expected 0 to 1")
        self.start = rho
        self.unbiased = unbiased

    def build(self, input_shape):
        channels = input_shape[3]
        if channels is None:
            raise ValueError(f"layer '{self.name}' got an unknown number of channels; expected a static one")
        for name, start in (("rho", self.start), ("gamma", 1.0), ("beta", 0.0)):
            weight = self.add_weight(
                name=name,
                shape=(channels,),
                dtype=tf.float32,
                initializer=keras.initializers.Constant(start),
                experimental_autocast=False,
            )
            setattr(self, name, weight)
        super().build(input_shape)

    def call(self, inputs):
        x = tf.cast(inputs, tf.float32)
        mixed = self.rho * x + (1 - self.rho) * self._normalize(x, shortcut=0.0)
        return tf.cast(self.gamma * mixed + self.beta, inputs.dtype)

    def integer_form(self, mean: np.ndarray, variance: np.ndarray) -> tuple[keras.layers.Layer, list]:
        norm, _ = integer_norm(self.name, mean, variance, self.epsilon, 0.0)
        weights = [self.gamma * self.rho, self.gamma * (1 - self.rho), self.beta]
        layer = IntegerAdaptiveNormalization(norm.floor, norm.centred, name=self.name)
        return layer, [weight.numpy() for weight in weights]

    def get_config(self):
        return {**super().get_config(), "rho": self.start, "unbiased": self.unbiased}
