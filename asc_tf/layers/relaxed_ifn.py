"""Relaxed Instance Frequency-wise Normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.integer_frequency_norm import integer_norm
from asc_tf.layers.residual_norm import FrequencyInstanceNormalization, frequency_statistics

if TYPE_CHECKING:
    import numpy as np


@keras.saving.register_keras_serializable("asc_tf")
class RelaxedInstanceFrequencyNormalization(FrequencyInstanceNormalization):
    """RFN: a weighted mean of instance-frequency-wise and layer normalization.

    Residual Normalization keeps a share of the features at their original scale. RFN normalizes that share too, by
    statistics of the whole clip, which leave the balance of the clip's bins unchanged:

        RFN(x) = lambda * LN(x) + (1 - lambda) * IFN(x)

    IFN is `FrequencyInstanceNormalization`; LN normalizes a clip by one mean and one variance over frequency, time and
    channels, both without trained weights. Statistics are computed in float32 under any precision policy.

    Input and output: [batch, frequency, time, channel].

    Args:
        lambda_: weight of the layer normalization, 0 to 1; 0 gives FreqIN, 0.5 weighs both alike.
        epsilon: added to the variances.

    Raises:
        ValueError: `lambda_` is not within 0 to 1, or the input is not of rank 4.

    Reference: Kim et al., "Domain Generalization with Relaxed Instance Frequency-wise Normalization for Multi-device
    Acoustic Scene Classification", Interspeech 2022; beyond the four papers of this package.
    """

    def __init__(self, lambda_: float = 0.5, epsilon: float = 1e-5, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)
        if not 0 <= lambda_ <= 1:
            raise ValueError(f"lambda_ is {lambda_}; expected 0 to 1")
        self.lambda_ = lambda_

    def call(self, inputs):
        x = tf.cast(inputs, tf.float32)
        bin_mean, bin_variance, _ = frequency_statistics(x)
        # All bins weigh the same, so the clip's statistics follow from the bins' without another pass over the
        # features.
        mean = tf.reduce_mean(bin_mean, axis=1, keepdims=True)
        between = bin_mean - mean
        variance = tf.reduce_mean(bin_variance + between * between, axis=1, keepdims=True)
        by_bin = (1 - self.lambda_) * tf.math.rsqrt(bin_variance + self.epsilon)
        by_clip = self.lambda_ * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(x * (by_bin + by_clip) - (bin_mean * by_bin + mean * by_clip), inputs.dtype)

    def integer_form(self, mean: np.ndarray, variance: np.ndarray) -> tuple[keras.layers.Layer, list]:
        return integer_norm(self.name, mean, variance, self.epsilon, self.lambda_, relaxed=True)

    def get_config(self):
        return {**super().get_config(), "lambda_": self.lambda_}
