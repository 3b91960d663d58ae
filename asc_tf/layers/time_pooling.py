"""Average pooling over the whole time axis."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import SUM


@keras.saving.register_keras_serializable("asc_tf")
class TimeAveragePooling(keras.layers.Layer):
    """Mean over time, the squeeze of frequency-channel attention: one value for each frequency bin and channel.

    Input: [batch, frequency, time, channel]. Output: [batch, frequency, 1, channel].

    Reference: Liu et al., "MFA: TDNN with Multi-scale Frequency-channel Attention for Text-independent Speaker
    Verification with Short Utterances", ICASSP 2022.
    """

    channel_paths = SUM

    def call(self, inputs):
        return tf.cast(tf.reduce_mean(tf.cast(inputs, tf.float32), axis=2, keepdims=True), inputs.dtype)
