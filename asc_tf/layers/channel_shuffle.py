"""Channel shuffle."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.channel_groups import ChannelGroups


@keras.saving.register_keras_serializable("asc_tf")
class ChannelShuffle(ChannelGroups):
    """Interleave g equal groups of channels, so that the branches of a split exchange information.

    With C channels in g groups of h = C / g, output channel g * i + j is input channel h * j + i: for two groups 0, h,
    1, h + 1 ...

    Input and output: [batch, frequency, time, channel], sizes static but for the batch.

    Args:
        groups: g; divides C.

    Raises:
        ValueError: `groups` is below 2, or C is unknown or not a multiple of it.

    Reference: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", CVPR
    2018, section 3.1.
    """

    def __init__(self, groups: int = 2, **kwargs):
        super().__init__(groups, **kwargs)

    def call(self, inputs):
        _, bins, frames, channels = inputs.shape
        grouped = tf.reshape(inputs, (-1, self.groups, channels // self.groups))
        return tf.reshape(tf.transpose(grouped, (0, 2, 1)), (-1, bins, frames, channels))
