"""SubSpectral Normalization by the statistics of each clip alone."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import OWN
from asc_tf.layers.sub_bands import check_sub_bands


@keras.saving.register_keras_serializable("asc_tf")
class SubSpectralInstanceNormalization(keras.layers.Layer):
    """Normalize each of S contiguous frequency sub-bands of a clip by its own mean and variance, in inference too.

    With B(f) = floor(f * S / F) the band of bin f:

        y_nftc = gamma_{B(f) c} * (x_nftc - mu_{n B(f) c}) / sqrt(sigma^2_{n B(f) c} + epsilon) + beta_{B(f) c}

    mu and sigma are taken over the bins of the band and time, as in `SubSpectralNormalization` in training on a batch
    of one clip. pix2pix trains on such batches and also normalizes by a batch's own statistics when applied; so does
    the translator. With moving averages instead, the validation loss jumped from epoch to epoch.

    Input and output: [batch, frequency, time, channel], frequency static and a multiple of S.
    Weights: gamma, beta, each [S, channel].

    Args:
        sub_bands: S, the number of bands.
        epsilon: added to the variance.

    Raises:
        ValueError: frequency is unknown or not a multiple of `sub_bands`.

    Reference: Chang et al., "SubSpectral Normalization for Neural Audio Data Processing", ICASSP 2021; Isola et al.,
    CVPR 2017, section 3.3.
    """

    channel_paths = OWN

    def __init__(self, sub_bands=16, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.sub_bands, self.epsilon = sub_bands, epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        bins, channels = input_shape[1], input_shape[3]
        check_sub_bands(self, bins, self.sub_bands)
        shape = self.sub_bands, 1, 1, channels
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        bins, channels = inputs.shape[1], inputs.shape[3]
        bands = tf.reshape(inputs, (-1, self.sub_bands, bins // self.sub_bands, tf.shape(inputs)[2], channels))
        mean = tf.reduce_mean(bands, axis=(2, 3), keepdims=True)
        centred = bands - mean
        variance = tf.reduce_mean(centred * centred, axis=(2, 3), keepdims=True)
        scale = tf.cast(self.gamma, inputs.dtype) * tf.math.rsqrt(variance + self.epsilon)
        return tf.reshape(centred * scale + tf.cast(self.beta, inputs.dtype), tf.shape(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "sub_bands": self.sub_bands, "epsilon": self.epsilon}
