"""Frequency-wise instance normalization and Residual Normalization."""

import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class FrequencyInstanceNormalization(keras.layers.Layer):
    """FreqIN: normalize every frequency bin of every clip by its own statistics.

    What sets one recording device apart from another shows along frequency, so the mean and the
    standard deviation of each bin, over time and channels, are taken out:

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

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        return self._normalize(inputs, shortcut=0.0)

    def _normalize(self, inputs, shortcut):
        # Only products, sums and one rsqrt: these have fast integer kernels in TFLite, where
        # tf.nn.moments becomes the slow SQUARED_DIFFERENCE.
        x = tf.cast(inputs, tf.float32)
        mean = tf.reduce_mean(x, axis=(2, 3), keepdims=True)
        centred = x - mean
        variance = tf.reduce_mean(centred * centred, axis=(2, 3), keepdims=True)
        scale = tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(x * (scale + shortcut) - mean * scale, inputs.dtype)

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
        learnable: train `lambda_` as one scalar weight, starting from the given value. The papers
            keep it fixed and leave this as future work.
        epsilon: added to the variance.

    Raises:
        ValueError: `lambda_` is negative, or the input is not of rank 4.

    Reference: as for `FrequencyInstanceNormalization`, equation 3.
    """

    def __init__(self, lambda_=0.1, learnable=False, epsilon=1e-5, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)
        if lambda_ < 0:
            raise ValueError(f"lambda_ is {lambda_}; expected 0 or more")
        self.lambda_ = lambda_
        self.learnable = learnable

    def build(self, input_shape):
        if self.learnable:
            self.shortcut = self.add_weight(
                name="lambda",
                shape=(),
                dtype=tf.float32,
                initializer=keras.initializers.Constant(self.lambda_),
                experimental_autocast=False,
            )
        super().build(input_shape)

    def call(self, inputs):
        return self._normalize(inputs, shortcut=self.shortcut if self.learnable else self.lambda_)

    def get_config(self):
        return {**super().get_config(), "lambda_": self.lambda_, "learnable": self.learnable}
