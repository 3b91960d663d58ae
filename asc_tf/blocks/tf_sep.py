"""The block of TF-SepNet: time and frequency convolved apart."""

import tf_keras as keras

from asc_tf.blocks.bc_res import batch_norm
from asc_tf.blocks.inverted_residual import convolution
from asc_tf.layers import ChannelShuffle, ChannelSplit, FrequencyAveragePooling, TimeAveragePooling


def tf_sep_block(x, channels, dropout=0.1, name="tf_sep"):
    """Time-frequency separate convolutions: each half of the channels is convolved and averaged along one axis.

        [a, b] = split(shuffle(x)),   y = [a + f(mean_F(d_F(a))), b + g(mean_T(d_T(b)))]

    d_F is a 3x1 and d_T a 1x3 depthwise convolution, f and g are 1x1 convolutions, each with batch normalization and
    ReLU; f and g end with channel dropout. Where the number of channels changes, a 1x1 convolution with batch
    normalization and ReLU comes first.

    Args:
        x: [batch, frequency, time, channel], sizes static.
        channels: of the output, an even number.
        dropout: rate of the channel dropout.
        name: prefix of the layers' names.

    Returns:
        [batch, frequency, time, channels].

    Reference: Cai et al., ICASSP 2024, section 2.
    """
    if x.shape[-1] != channels:
        x = convolution(x, channels, 1, name=f"{name}_expand")
    halves = ChannelSplit(2, name=f"{name}_split")(ChannelShuffle(2, name=f"{name}_shuffle")(x))
    branches = (
        ("frequency", (3, 1), FrequencyAveragePooling),
        ("time", (1, 3), TimeAveragePooling),
    )
    joined = []
    for half, (axis, kernel, pooling) in zip(halves, branches, strict=True):
        y = keras.layers.DepthwiseConv2D(kernel, padding="same", use_bias=False, name=f"{name}_{axis}")(half)
        y = keras.layers.ReLU(name=f"{name}_{axis}_relu")(batch_norm(f"{name}_{axis}_bn")(y))
        y = pooling(name=f"{name}_{axis}_mean")(y)
        y = convolution(y, channels // 2, 1, name=f"{name}_{axis}_pointwise")
        y = keras.layers.SpatialDropout2D(dropout, name=f"{name}_{axis}_dropout")(y)
        joined.append(keras.layers.Add(name=f"{name}_{axis}_identity")([half, y]))
    return keras.layers.Concatenate(name=f"{name}_joined")(joined)
