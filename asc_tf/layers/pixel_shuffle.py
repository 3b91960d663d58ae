"""Upsampling that turns channels into frequency bins and frames."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import SUM


@keras.saving.register_keras_serializable("asc_tf")
class PixelShuffle(keras.layers.Layer):
    """Sub-pixel rearrangement: r * r groups of channels become r times the bins and r times the frames.

    After a 1x1 convolution this equals a transposed convolution of kernel and stride r, but is computed at the small
    size and without multiplying zeros:

        y[f, t, c] = x[f // r, t // r, ((f % r) * r + t % r) * C + c],  C the channels of y

    Input: [batch, frequency, time, r * r * C], sizes static. Output: [batch, r * frequency, r * time, C].

    Args:
        factor: r, 2 or more.

    Raises:
        ValueError: `factor` is below 2, or the number of channels is unknown or not a multiple of its square.

    Reference: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", CVPR 2016, equation 4. Difference: the channels of one output bin are adjacent (TensorFlow's
    order); PyTorch keeps the r * r bins of one output channel adjacent. That only permutes the convolution's filters.
    """

    channel_paths, moves_numbers = SUM, True

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        if factor < 2:
            raise ValueError(f"factor is {factor}; expected 2 or more")
        self.factor = factor
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[3]
        if channels is None or channels % self.factor**2:
            raise ValueError(
                f"PixelShuffle '{self.name}' got {channels} channels; expected a multiple of factor squared = "
                f"{self.factor**2}"
            )
        super().build(input_shape)

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, self.factor)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
