"""SubSpectral Normalization: batch normalization of each frequency sub-band by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import OWN, affine_of_moments
from asc_tf.layers.fast.normalize_bands import normalize_bands
from asc_tf.layers.sub_bands import check_sub_bands

if TYPE_CHECKING:
    import numpy as np


def sub_spectral_normalization(x, gamma, beta, epsilon):
    """The formula of `SubSpectralNormalization` in training, written plainly: the reference for the fast version.

    Args:
        x: [batch, frequency, time, channel]; the static frequency is a multiple of the bands.
        gamma, beta: [band, channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as x; mean and variance, each [band, channel]).
    """
    bands, channels = gamma.shape
    banded = tf.reshape(x, (-1, bands, x.shape[1] // bands, tf.shape(x)[2], channels))
    mean = tf.reduce_mean(banded, axis=(0, 2, 3), keepdims=True)
    variance = tf.reduce_mean((banded - mean) ** 2, axis=(0, 2, 3), keepdims=True)
    gamma, beta = (weights[None, :, None, None, :] for weights in (gamma, beta))
    outputs = gamma * (banded - mean) / tf.sqrt(variance + epsilon) + beta
    return tf.reshape(outputs, tf.shape(x)), mean[0, :, 0, 0], variance[0, :, 0, 0]


@keras.saving.register_keras_serializable("asc_tf")
class SubSpectralNormalization(keras.layers.Layer):
    """Batch-normalize each of S contiguous frequency sub-bands with its own statistics and weights.

    Low and high frequencies of a spectrogram have different statistics; one normalization over all of them blurs the
    difference. With B(f) = floor(f * S / F) the band of bin f:

        y_bftc = gamma_{B(f) c} * (x_bftc - mu_{B(f) c}) / sqrt(sigma^2_{B(f) c} + epsilon) + beta_{B(f) c}

    `sub_spectral_normalization` computes this formula directly; training uses `normalize_bands`, the fast version.
    Training takes mu and sigma over batch, the bins of the band and time, and keeps moving averages of them for
    inference. Statistics are computed in float32 under any precision policy. Replicas of `tf.distribute` take them over
    their shared batch.

    Input and output: [batch, frequency, time, channel], frequency static and a multiple of S.
    Weights: gamma, beta (trained), moving_mean, moving_variance, each [S, channel].

    Args:
        sub_bands: S, the number of bands.
        momentum: of the moving averages. Default 0.9, which is 0.1 in the convention of the papers' framework.
        epsilon: added to the variance.

    Raises:
        ValueError: frequency is unknown or not a multiple of `sub_bands`.

    Reference: Chang et al., "SubSpectral Normalization for Neural Audio Data Processing", ICASSP 2021.

    Examples:
        >>> import asc_tf, numpy as np
        >>> layer = asc_tf.SubSpectralNormalization(sub_bands=4)
        >>> layer(np.zeros((2, 128, 167, 20), "float32"), training=True).shape, layer.gamma.shape
        (TensorShape([2, 128, 167, 20]), TensorShape([4, 20]))
    """

    channel_paths = OWN

    def __init__(self, sub_bands: int = 4, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.sub_bands = sub_bands
        self.momentum = momentum
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        bins, channels = input_shape[1], input_shape[3]
        check_sub_bands(self, bins, self.sub_bands)
        self.gamma = self._weight("gamma", "ones", channels, trainable=True)
        self.beta = self._weight("beta", "zeros", channels, trainable=True)
        self.moving_mean = self._weight("moving_mean", "zeros", channels, trainable=False)
        self.moving_variance = self._weight("moving_variance", "ones", channels, trainable=False)
        super().build(input_shape)

    def _weight(self, name, initializer, channels, trainable):
        moving = (
            {}
            if trainable
            else {
                "synchronization": tf.VariableSynchronization.ON_READ,
                "aggregation": tf.VariableAggregation.MEAN,
            }
        )
        return self.add_weight(
            name=name,
            shape=(self.sub_bands, channels),
            dtype=tf.float32,
            initializer=initializer,
            trainable=trainable,
            experimental_autocast=False,
            **moving,
        )

    def inference_affine(self) -> tuple[np.ndarray, np.ndarray]:
        """(scale, shift), each [S, channel]."""
        return affine_of_moments(self)

    def call(self, inputs, training=None):
        if training is None:
            training = keras.backend.learning_phase()
        if isinstance(training, (bool, int)):
            return self._train(inputs) if training and self.trainable else self._infer(inputs)
        return tf.cond(tf.cast(training, tf.bool), lambda: self._train(inputs), lambda: self._infer(inputs))

    def _train(self, inputs):
        x = tf.cast(inputs, tf.float32)
        outputs, mean, variance = normalize_bands(x, self.gamma, self.beta, self.epsilon)
        self._update(self.moving_mean, mean)
        self._update(self.moving_variance, variance)
        return tf.cast(outputs, inputs.dtype)

    def _infer(self, inputs):
        scale, offset = self._scale_and_offset(self.moving_mean, self.moving_variance)
        bins, channels = inputs.shape[1], inputs.shape[3]
        # A band's row repeated for each of its bins; `tf.repeat` does the same with ten times the operations.
        scale, offset = (
            tf.reshape(tf.tile(v, (1, bins // self.sub_bands)), (bins, 1, channels)) for v in (scale, offset)
        )
        return inputs * tf.cast(scale, inputs.dtype) + tf.cast(offset, inputs.dtype)

    def _scale_and_offset(self, mean, variance):
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return scale, self.beta - mean * scale

    def _update(self, moving, value):
        moving.assign_sub((moving - value) * (1.0 - self.momentum))

    def get_config(self):
        return {
            **super().get_config(),
            "sub_bands": self.sub_bands,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
