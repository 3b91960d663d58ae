"""Layers that stand in a deployment graph only: what is equivalent to the trained layers and faster in TFLite."""

import numpy as np
import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class BandedDepthwiseConv2D(keras.layers.Layer):
    """Depthwise convolution of stride 1 whose kernel and bias differ from sub-band to sub-band of the frequency axis.

    It is a depthwise convolution with SubSpectral Normalization folded into it:

        y_ftc = b_{B(f) c} + sum_ij w_{B(f) ijc} x_{f+i, t+j, c}

    The input is padded once; every band is cut out with the margin that the kernel sees of its neighbours.

    Input and output: [batch, frequency, time, channel], frequency static and a multiple of the bands.
    Weights: kernel [band, kernel bins, kernel frames, channel, 1], bias [band, channel].

    Args:
        bands: number of sub-bands.
        kernel_size: (bins, frames), both odd.

    Raises:
        ValueError: an even kernel, or frequency that the bands do not divide.

    Reference: own derivation from Chang et al., ICASSP 2021, whose normalization is affine at inference.
    """

    def __init__(self, bands, kernel_size, **kwargs):
        super().__init__(**kwargs)
        if not all(size % 2 for size in kernel_size):
            raise ValueError(f"kernel_size is {tuple(kernel_size)}; expected odd sizes")
        self.bands = bands
        self.kernel_size = tuple(kernel_size)

    def build(self, input_shape):
        bins, channels = input_shape[1], input_shape[3]
        if bins is None or bins % self.bands:
            raise ValueError(f"layer '{self.name}' got {bins} frequency bins; expected a multiple of {self.bands}")
        self.kernel = self.add_weight("kernel", (self.bands, *self.kernel_size, channels, 1))
        self.bias = self.add_weight("bias", (self.bands, channels), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        bins = inputs.shape[1] // self.bands
        margins = [(size // 2, size // 2) for size in self.kernel_size]
        padded = tf.pad(inputs, ((0, 0), *margins, (0, 0)))
        # Slices of known size: LiteRT's XNNPACK leaves those that say "the rest" to slower operators.
        sizes = [-1 if size is None else size for size in padded.shape]
        sizes[1] = bins + self.kernel_size[0] - 1
        kernels, biases = tf.unstack(self.kernel), tf.unstack(self.bias)
        outputs = []
        for band, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            rows = tf.slice(padded, (0, band * bins, 0, 0), sizes)
            outputs.append(tf.nn.depthwise_conv2d(rows, kernel, (1, 1, 1, 1), "VALID") + bias)
        return tf.concat(outputs, axis=1)

    def get_config(self):
        return {**super().get_config(), "bands": self.bands, "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable("asc_tf")
class SpaceToDepthConv2D(keras.layers.Layer):
    """A 5x5 convolution of stride 2 with "same" padding, as 3x3 of stride 1 on blocks of 2x2 values.

    Exact, and half the time in int8, whose kernels leave most of their registers empty where there is one channel.

    Input: [batch, frequency, time, channel], sizes static. Output: [batch, frequency / 2, time / 2, filters], rounded
    up.
    Weights: kernel [3, 3, 4 * channel, filters], see `space_to_depth_kernel`; bias [filters].

    Args:
        filters: number of output channels.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (3, 3, 4 * input_shape[3], self.filters))
        self.bias = self.add_weight("bias", (self.filters,), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        odd = [(0, size % 2) for size in inputs.shape[1:3]]
        x = tf.pad(inputs, ((0, 0), *odd, (0, 0))) if np.any(odd) else inputs
        return tf.nn.conv2d(tf.nn.space_to_depth(x, 2), self.kernel, 1, "SAME") + self.bias

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def space_to_depth_kernel(kernel, sizes):
    """The kernel [3, 3, 4 * channel, filters] of `SpaceToDepthConv2D` for one [5, 5, channel, filters].

    Args:
        kernel: of the convolution of stride 2.
        sizes: (frequency, time) of its input. "Same" padding puts one row before an even and two before an odd one, so
            that the kernel begins in the second or in the first row of the block before.
    """
    first = [1 - size % 2 for size in sizes]
    wide = np.pad(kernel, [(start, 1 - start) for start in first] + [(0, 0), (0, 0)])
    channels, filters = kernel.shape[2:]
    blocks = wide.reshape(3, 2, 3, 2, channels, filters).transpose(0, 2, 1, 3, 4, 5)
    return blocks.reshape(3, 3, 4 * channels, filters)
