"""Average pooling over the whole frequency axis."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import SUM


@keras.saving.register_keras_serializable("asc_tf")
class FrequencyAveragePooling(keras.layers.Layer):
    """Mean over frequency, the step from the 2-D to the 1-D features of broadcasted residual learning.

    Input: [batch, frequency, time, channel]. Output: [batch, 1, time, channel].

    Reference: Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting",
    Interspeech 2021, equation 2.
    """

    channel_paths = SUM

    def call(self, inputs):
        return tf.cast(_mean(tf.cast(inputs, tf.float32)), inputs.dtype)


@tf.custom_gradient
def _mean(x):
    """Mean over axis 1; its gradient divides one row, while automatic differentiation divides every copy of the row."""

    def gradient(upstream):
        return tf.broadcast_to(upstream / tf.cast(tf.shape(x)[1], x.dtype), tf.shape(x))

    return tf.reduce_mean(x, axis=1, keepdims=True), gradient
