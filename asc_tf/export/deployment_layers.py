"""Layers for deployment graphs only: equivalent to the trained layers, but faster in TFLite."""

import numpy as np
import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class BandedDepthwiseConv2D(keras.layers.Layer):
    """Depthwise convolution of stride 1 with a separate kernel and bias for each sub-band of the frequency axis.

    It is a depthwise convolution with SubSpectral Normalization folded into it:

        y_ftc = b_{B(f) c} + sum_ij w_{B(f) ijc} x_{f+i, t+j, c}

    The input is padded once; every band is cut out with the margin of its neighbours that the kernel sees.

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
        sizes = [_size(padded, axis) for axis in range(4)]
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
class BinwiseDepthwiseConv2D(keras.layers.Layer):
    """As `BandedDepthwiseConv2D`, in three operations on the whole map: for memory, not for speed.

        y_ftc = s_{B(f) c} (sum_ij w_ijc x_{f+i, t+j, c} + b_c) + o_{B(f) c}

    Bands that are cut out and joined again cost an interpreter for microcontrollers more records than maps. In 8 bits
    the product and the sum round once more each.

    Input and output: [batch, frequency, time, channel], frequency static and a multiple of the bands.
    Weights: kernel [kernel bins, kernel frames, channel, 1], bias [channel], scale and offset [band, channel].

    Args:
        bands: number of sub-bands.
        kernel_size: (bins, frames).
    """

    def __init__(self, bands, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.bands = bands
        self.kernel_size = tuple(kernel_size)

    def build(self, input_shape):
        channels = input_shape[3]
        self.bins = input_shape[1]
        self.kernel = self.add_weight("kernel", (*self.kernel_size, channels, 1))
        self.bias = self.add_weight("bias", (channels,), initializer="zeros")
        self.scale = self.add_weight("scale", (self.bands, channels), initializer="ones")
        self.offset = self.add_weight("offset", (self.bands, channels), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        return self.convolved(inputs) * self._by_bin(self.scale) + self._by_bin(self.offset)

    def convolved(self, inputs):
        """The map before the product."""
        return tf.nn.depthwise_conv2d(inputs, self.kernel, (1, 1, 1, 1), "SAME") + self.bias

    def _by_bin(self, values):
        """[frequency, 1, channel] of [band, channel]."""
        return tf.repeat(values, self.bins // self.bands, axis=0)[:, tf.newaxis]

    def band_weights(self, band):
        """Kernel [kernel bins, kernel frames, channel, 1] and bias [channel] of one band by itself."""
        kernel, bias, scale, offset = (weight.numpy().astype(np.float64) for weight in self.weights)
        return kernel * scale[band][:, np.newaxis], bias * scale[band] + offset[band]

    def get_config(self):
        return {**super().get_config(), "bands": self.bands, "kernel_size": self.kernel_size}


def binwise_weights(kernel, bias, scale, offset):
    """The weights of `BinwiseDepthwiseConv2D` for a depthwise convolution and an affine map of each band.

    The largest scale of a channel goes into its kernel, which has a step of its own for each channel, and as much of
    the offsets as one bias can hold goes into the bias: little is left for the products and sums that share one step.

    Args:
        kernel, bias: [kernel bins, kernel frames, channel, 1] and [channel].
        scale, offset: [band, channel], of the affine map after them.
    """
    largest = np.take_along_axis(scale, np.abs(scale).argmax(axis=0)[np.newaxis], axis=0)[0]
    rest = scale / np.where(largest == 0, 1, largest)
    shift = (rest * offset).sum(axis=0) / np.maximum((rest**2).sum(axis=0), 1e-12)
    return [kernel * largest[:, np.newaxis], bias * largest + shift, rest, offset - rest * shift]


@keras.saving.register_keras_serializable("asc_tf")
class SpaceToDepthConv2D(keras.layers.Layer):
    """A 5x5 convolution of stride 2 with "same" padding, one or two frames of its output at once.

    Blocks of 2x2 values become channels, so that a 3x3 convolution of stride 1 gives the same. For two frames at once
    two consecutive blocks in time become channels too, and a 3x2 convolution makes two frames from three rows of two
    such pairs. The result is exact. Integer kernels load eight channels at a time, so a single channel leaves most of
    their registers empty. Pairs take a third of the time, with 1.9 times the products, half of them by 0; single frames
    take half of it, with one operator fewer.

    Input: [batch, frequency, time, channel], sizes static. Output: [batch, frequency / 2, time / 2, filters], rounded
    up.
    Weights: kernel [3, 2, 8 * channel, 2 * filters] and bias [2 * filters], or for single frames [3, 3, 4 * channel,
    filters] and [filters]; see `space_to_depth_weights`.

    Args:
        filters: number of output channels.
        activation: of the outputs, a name or None; part of the convolution, since runtimes then compute it for free.
        pairs: two frames at once.
    """

    def __init__(self, filters, activation=None, pairs=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.activation = keras.activations.get(activation)
        self.pairs = pairs

    def build(self, input_shape):
        width = 1 + self.pairs
        self.frames = (input_shape[2] + 1) // 2  # of the output
        self.kernel = self.add_weight("kernel", (3, 4 - width, 4 * width * input_shape[3], width * self.filters))
        self.bias = self.add_weight("bias", (width * self.filters,), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        return self.from_blocks(self.blocks(inputs))

    def blocks(self, inputs):
        """Blocks [batch, frequency / 2 + 2, block or pair, value] of an input, with blocks of zeros around them."""
        x = tf.nn.space_to_depth(_even(inputs), 2)
        if not self.pairs:
            return tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        _, bins, frames, depth = x.shape
        odd = frames % 2
        # A block of zeros before a row's first block, one or two after its last. Padding frames of few channels is
        # slow.
        rows = tf.reshape(x, (-1, bins, 1, frames * depth))
        rows = tf.pad(rows, ((0, 0), (1, 1), (0, 0), (depth, (1 + odd) * depth)))
        return tf.reshape(rows, (-1, bins + 2, (frames + 2 + odd) // 2, 2 * depth))

    def from_blocks(self, blocks):
        """The output's bins for these `blocks`, two fewer than they are."""
        y = self.activation(tf.nn.conv2d(blocks, self.kernel, 1, "VALID") + self.bias)
        if not self.pairs:
            return y
        bins, even = blocks.shape[1] - 2, 2 * (blocks.shape[2] - 1)
        y = tf.reshape(y, (-1, bins, even, self.filters))
        return y if even == self.frames else tf.slice(y, (0, 0, 0, 0), (_size(y, 0), bins, self.frames, self.filters))

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "filters": self.filters, "activation": activation, "pairs": self.pairs}


def space_to_depth_weights(kernel, bias, sizes, pairs=True):
    """The weights of `SpaceToDepthConv2D` for a kernel [5, 5, channel, filters] and a bias [filters].

    Args:
        kernel, bias: of the convolution of stride 2.
        sizes: (frequency, time) of its input. "Same" padding puts one row before an even and two before an odd size, so
            that the kernel begins in the second or in the first row of the block before.
        pairs: of the layer.
    """
    first = [1 - size % 2 for size in sizes]
    wide = np.pad(kernel, [(start, 1 - start) for start in first] + [(0, 0), (0, 0)])
    channels, filters = kernel.shape[2:]
    blocks = wide.reshape(3, 2, 3, 2, channels, filters).transpose(0, 2, 1, 3, 4, 5)
    if not pairs:
        return blocks.reshape(3, 3, 4 * channels, filters), bias
    blocks = blocks.reshape(3, 3, 4 * channels, 1, filters)
    earlier, later = (np.pad(blocks, ((0, 0), place, (0, 0), (0, 0), (0, 0))) for place in ((0, 1), (1, 0)))
    pair = np.concatenate([earlier, later], axis=3)  # [3 rows, 4 blocks, values of a block, frame, filter]
    return pair.reshape(3, 2, 8 * channels, 2 * filters), np.tile(bias, 2)


def _even(x):
    """[batch, frequency, time, channel] with a row of zeros after an odd frequency or time.

    Frames and channels are merged for the padding: integer kernels pad one axis by blocks, but few channels one by one.
    """
    _, bins, frames, channels = x.shape
    if not bins % 2 and not frames % 2:
        return x
    rows = tf.reshape(x, (-1, bins, 1, frames * channels))
    rows = tf.pad(rows, ((0, 0), (0, bins % 2), (0, 0), (0, frames % 2 * channels)))
    return tf.reshape(rows, (-1, bins + bins % 2, frames + frames % 2, channels))


def _size(x, axis):
    """A static size, or -1 for "the rest", with which LiteRT's XNNPACK leaves the operation to slower operators."""
    return -1 if x.shape[axis] is None else x.shape[axis]
