"""The response of a device, an input of the device translator."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import ALL


@keras.saving.register_keras_serializable("asc_tf")
class DeviceResponse(keras.layers.Layer):
    """A device as a network's input: a trained number for each device and mel bin.

        y_bft = sum_d t_bd W_df

    Input: features [batch, frequency, time, channel], frequency static, used only for the shape; and one-hot targets t
    [batch, devices]. Output: [batch, frequency, time, 1]. Weight: W [devices, frequency].

    Args:
        initial: initial W, [devices, frequency].
    """

    channel_paths = ALL  # its only channel, if one is asked for

    def __init__(self, initial, **kwargs):
        super().__init__(**kwargs)
        self.initial = np.asarray(initial, np.float32)

    def build(self, input_shape):
        self.response = self.add_weight(
            name="response", shape=self.initial.shape, initializer=lambda shape, dtype=None, **_: self.initial
        )
        super().build(input_shape)

    def call(self, inputs):
        features, targets = inputs
        response = tf.matmul(targets, self.response)[:, :, tf.newaxis, tf.newaxis]
        return tf.broadcast_to(response, tf.shape(features[..., :1]))

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:3], 1)

    def get_config(self):
        return {**super().get_config(), "initial": self.initial.tolist()}
