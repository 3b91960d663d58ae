"""Batch normalization, fast for few channels."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.batch_normalize import batch_normalize, needs_rows


@keras.saving.register_keras_serializable("asc_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, which trains 3 to 5 times faster on a CPU for 10, 15 or 25 channels.

    Arguments, weights, results (within float error) and inference are Keras's. Only the training step on float32
    [batch, frequency, time, channel] inputs takes another way, where Keras's is slow: see `batch_normalize`.
    """

    def call(self, inputs, training=None, mask=None):
        if training is None:
            training = keras.backend.learning_phase()
        if not (isinstance(training, (bool, int)) and training and self.trainable and self._applies(inputs)):
            return super().call(inputs, training=training, mask=mask)
        (outputs,), mean, variance = batch_normalize([inputs], self.gamma[None], self.beta[None], self.epsilon)
        count = tf.cast(tf.size(inputs) // inputs.shape[3], tf.float32)
        self._move(self.moving_mean, mean[0])
        self._move(self.moving_variance, variance[0] * count / (count - 1))
        return outputs

    def _applies(self, inputs):
        plain = self.fused and self.scale and self.center and self.axis in ([3], [-1])
        return plain and inputs.dtype == tf.float32 and needs_rows(inputs.shape)

    def _move(self, moving, value):
        moving.assign_sub((moving - value) * (1.0 - self.momentum))
