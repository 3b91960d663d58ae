"""One of s equal groups of channels."""

import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class ChannelSlice(keras.layers.Layer):
    """Take sub-map x_{i+1} of the s sub-maps into which Res2Net slices a feature map along its channels.

    Channels i * C / s up to (i + 1) * C / s. One output a layer, a plain slice, rather than one layer with s outputs:
    so it stays a leaf that TF Model Optimization can wrap.

    Input: [batch, frequency, time, channel], the number C of channels static. Output: [batch, frequency, time, C / s].

    Args:
        index: i, from 0.
        groups: s, the number of sub-maps; divides C.

    Raises:
        ValueError: `groups` is not positive, `index` is not below it, or C is unknown or not a multiple of it.

    Reference: Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", IEEE TPAMI 2021, section 3.1.
    """

    def __init__(self, index, groups=4, **kwargs):
        super().__init__(**kwargs)
        if groups < 1:
            raise ValueError(f"groups is {groups}; expected 1 or more")
        if not 0 <= index < groups:
            raise ValueError(f"index is {index}; expected 0 to {groups - 1}, for groups = {groups}")
        self.index = index
        self.groups = groups
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[3]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"ChannelSlice '{self.name}' got {channels} channels; expected a multiple of groups = {self.groups}"
            )
        super().build(input_shape)

    def call(self, inputs):
        width = inputs.shape[3] // self.groups
        return inputs[..., self.index * width : (self.index + 1) * width]

    def get_config(self):
        return {**super().get_config(), "index": self.index, "groups": self.groups}
