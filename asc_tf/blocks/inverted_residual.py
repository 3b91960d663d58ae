"""The inverted residual block of CP-Mobile, and its convolutions."""

import tf_keras as keras

from asc_tf.blocks.bc_res import batch_norm
from asc_tf.layers import GlobalResponseNormalization, StridedDepthwiseConv2D


def inverted_residual(
    x, channels, expansion, strides=(1, 1), symmetric=False, response_norm=False, name="inverted_residual"
):
    """Inverted residual block: wide inside and narrow between.

        y = ReLU(N(x + project(depthwise(expand(x)))))

    expand is a 1x1, depthwise a 3x3 and project a 1x1 convolution, each with batch normalization, the first two with
    ReLU; N is the identity or Global Response Normalization. The identity x is averaged over 3x3 where the block
    strides, and left out where the number of channels changes.

    Args:
        x: [batch, frequency, time, channel], sizes static.
        channels: of the output.
        expansion: ratio of the inner channels to the input's, see `rounded_channels`.
        strides: (frequency, time) of the depthwise convolution.
        symmetric: pad as PyTorch does, see `convolution`.
        response_norm: whether N is `GlobalResponseNormalization`.
        name: prefix of the layers' names.

    Returns:
        [batch, frequency / strides[0], time / strides[1], channels], rounded up.

    Reference: Schmid et al., DCASE Workshop 2023, section 3.
    """
    identity = x if x.shape[-1] == channels else None
    x = convolution(x, rounded_channels(x.shape[-1] * expansion), 1, name=f"{name}_expand")
    depthwise = keras.layers.DepthwiseConv2D if strides == (1, 1) else StridedDepthwiseConv2D
    x, padding = _padded(x, strides, symmetric, f"{name}_depthwise_pad")
    x = depthwise(3, strides, padding=padding, use_bias=False, name=f"{name}_depthwise")(x)
    x = batch_norm(f"{name}_depthwise_bn")(x)
    x = keras.layers.ReLU(name=f"{name}_depthwise_relu")(x)
    x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = batch_norm(f"{name}_project_bn")(x)
    if identity is not None:
        if strides != (1, 1):
            identity, padding = _padded(identity, strides, symmetric, f"{name}_pool_pad")
            identity = keras.layers.AveragePooling2D(3, strides, padding=padding, name=f"{name}_pool")(identity)
        x = keras.layers.Add(name=f"{name}_identity")([x, identity])
    if response_norm:
        x = GlobalResponseNormalization(name=f"{name}_grn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def convolution(x, channels, kernel, strides=1, symmetric=False, name=None):
    """Convolution without bias, batch normalization, ReLU.

    Args:
        x: [batch, frequency, time, channel].
        channels: of the output.
        kernel: bins and frames that it spans, 1 or 3.
        strides: of both axes.
        symmetric: pad a row of zeros on every side of a strided convolution, as PyTorch does; "same" padding adds a row
            only after an even number of bins or frames.
        name: of the convolution, and prefix of the other layers' names.
    """
    x, padding = _padded(x, (strides, strides), symmetric, f"{name}_pad")
    x = keras.layers.Conv2D(channels, kernel, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = batch_norm(f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _padded(x, strides, symmetric, name):
    """(x, padding) for a 3x3 window: both kinds of padding are the same without a stride."""
    if not symmetric or strides == (1, 1):
        return x, "same"
    return keras.layers.ZeroPadding2D(1, name=name)(x), "valid"


def rounded_channels(channels):
    """The nearest multiple of 8, but at least 8 and at least nine tenths of the argument."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
