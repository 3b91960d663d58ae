"""The s equal groups of channels."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.channel_groups import ChannelGroups


@keras.saving.register_keras_serializable("asc_tf")
class ChannelSplit(ChannelGroups):
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

    def __init__(self, groups=4, **kwargs):
        super().__init__(groups, **kwargs)

    def call(self, inputs):
        return tf.split(inputs, self.groups, axis=3)
