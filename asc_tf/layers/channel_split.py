"""The s equal groups of channels."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import SUM


@keras.saving.register_keras_serializable("asc_tf")
class ChannelSplit(keras.layers.Layer):
    """Split a feature map along its channels into the s sub-maps x_1 ... x_s of Res2Net.

    Sub-map x_i has channels (i - 1) * C / s up to i * C / s. One layer returns all of them, so that backpropagation
    concatenates their gradients once. With a slice per sub-map it would add up s maps of the input's size, zero outside
    the slice: a third of the processor time of BC-Res2Net's training step.

    Input: [batch, frequency, time, channel], the number C of channels static. Output: a list of s maps [batch,
    frequency, time, C / s].

    Args:
        groups: s, the number of sub-maps; divides C.

    Raises:
        ValueError: `groups` is below 2, or C is unknown or not a multiple of it.

    Reference: Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", IEEE TPAMI 2021, section 3.1.
    """

    channel_paths, moves_numbers = SUM, True

    def __init__(self, groups=4, **kwargs):
        super().__init__(**kwargs)
        if groups < 2:
            raise ValueError(f"groups is {groups}; expected 2 or more")
        self.groups = groups
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[3]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"ChannelSplit '{self.name}' got {channels} channels; expected a multiple of groups = {self.groups}"
            )
        super().build(input_shape)

    def call(self, inputs):
        return tf.split(inputs, self.groups, axis=3)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
