"""Average pooling over the whole frequency axis."""

import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class FrequencyAveragePooling(keras.layers.Layer):
    """Mean over frequency, the step from the 2-D to the 1-D features of broadcasted residual learning.

    Input: [batch, frequency, time, channel]. Output: [batch, 1, time, channel].

    Reference: Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting",
    Interspeech 2021, equation 2.
    """

    def call(self, inputs):
        return tf.reduce_mean(inputs, axis=1, keepdims=True)
