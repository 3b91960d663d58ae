"""Batch normalization, fast for few channels."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.fast.batch_statistics import is_slow, replicas, values_of, without_bessel
from asc_tf.layers.fast.normalize_by_rows import normalize_by_rows


def batch_normalization(x, gamma, beta, epsilon):
    """Batch normalization in training as its authors write it: the reference for the fast versions.

        y_bftc = gamma_c * (x_bftc - mu_c) / sqrt(sigma^2_c + epsilon) + beta_c

    Args:
        x: [batch, frequency, time, channel].
        gamma, beta: [channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as x; mu and sigma^2 over batch, frequency and time, each [channel]).

    Reference: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML 2015, algorithm 1.
    """
    mean = tf.reduce_mean(x, axis=(0, 1, 2))
    variance = tf.reduce_mean((x - mean) ** 2, axis=(0, 1, 2))
    return gamma * (x - mean) / tf.sqrt(variance + epsilon) + beta, mean, variance


@keras.saving.register_keras_serializable("asc_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, but up to 5 times faster in training on a CPU for slow numbers of channels.

    Arguments, weights, results (within float error) and inference are Keras's. Only the training step on float32
    [batch, frequency, time, channel] inputs differs: where Keras's way through the formula (`batch_normalization`) is
    slow, it calls `normalize_by_rows`. Replicas of `tf.distribute` take the statistics of such inputs over their shared
    batch, for any number of channels.
    """

    def call(self, inputs, training=None, mask=None):
        if training is None:
            training = keras.backend.learning_phase()
        if replicas() > 1 and inputs.dtype in (tf.float16, tf.bfloat16):  # else each would use its own statistics
            return tf.cast(self.call(tf.cast(inputs, tf.float32), training=training), inputs.dtype)
        trained = isinstance(training, (bool, int)) and training and self.trainable and self._is_plain(inputs)
        if not trained or not (replicas() > 1 or self._gains_by_rows(*inputs.shape[1::2])):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = normalize_by_rows(inputs, self.gamma, self.beta, self.epsilon)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance / without_bessel(values_of(inputs) * replicas()))
        return outputs

    def _is_plain(self, inputs):
        plain = self.fused and self.scale and self.center and self.axis in ([3], [-1]) and inputs.dtype == tf.float32
        return plain and inputs.shape[1] is not None

    def _gains_by_rows(self, bins, channels):
        return is_slow(channels) and not is_slow(bins * channels)

    def _move(self, moving, value):
        moving.assign_sub((moving - value) * (1.0 - self.momentum))
