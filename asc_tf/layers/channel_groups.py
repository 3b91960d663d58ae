"""What layers of equal groups of channels have in common."""

import tf_keras as keras

from asc_tf.layers.contract import SUM


class ChannelGroups(keras.layers.Layer):
    """Base of layers that move the channels of [batch, frequency, time, channel] in equal groups.

    Args:
        groups: number of groups; divides the number of channels.

    Raises:
        ValueError: `groups` is below 2, or the number of channels is unknown or not a multiple of it.
    """

    channel_paths, moves_numbers = SUM, True

    def __init__(self, groups: int, **kwargs):
        super().__init__(**kwargs)
        if groups < 2:
            raise ValueError(f"groups is {groups}; expected 2 or more")
        self.groups = groups
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[3]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' got {channels} channels; expected a multiple of groups = "
                f"{self.groups}"
            )
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
