"""Multi-scale frequency-channel attention."""

import tf_keras as keras

from asc_tf.blocks.bc_res import batch_norm
from asc_tf.blocks.bc_res2 import hierarchical
from asc_tf.layers import TimeAveragePooling


def multi_scale_frequency_channel_attention(x, scale=4, name="mfa"):
    """MFA: a Res2Net chain of depthwise convolutions, each sub-map weighted by frequency-channel attention.

    Short audio has few frames to average over; weighting the bins and channels that tell scenes apart, at several
    receptive fields, helps. With g_i a 3x3 depthwise convolution, batch normalization and ReLU (g_1 the identity) and
    A_i the attention of each sub-map:

        y_i = A_i(g_i(x_i + y_{i-1}))   (without y_{i-1} for i = 1 and 2)
        A_i(z) = z * sigmoid(V_i ReLU(U_i mean_t(z)))

    U and V are 1x1 convolutions without biases, from C / s channels to half as many (rounded up to an even number) and
    back. All frequency bins share their weights, so the number of weights does not depend on the input's size, while
    the attention [frequency, 1, channel] differs from bin to bin.

    Args:
        x: [batch, frequency, time, channel].
        scale: s, the number of sub-maps; divides the number of channels.
        name: prefix of the layers' names; a sub-map's layers end in its i.

    Returns:
        Of the shape of `x`.

    Raises:
        ValueError: the number of channels is not a multiple of `scale`.

    Reference: Liu et al., "MFA: TDNN with Multi-scale Frequency-channel Attention for Text-independent Speaker
    Verification with Short Utterances", ICASSP 2022; Lee et al. (HYU), DCASE Workshop 2022, table 1.
    The HYU paper prints no equation. This is the unit of the authors' later speaker verification network
    (github.com/Ribotot/asml-asv), written anew from its structure; it gives the totals of HYU's table 2: see
    `bc_res2net`. Difference: Liu et al. flatten frequency and channel into one vector and weight it by two dense layers
    with a fifth of the vector's length between them: 2.6 million weights for a sub-map of 128 bins and 20 channels.
    """

    def scaled(part, i):
        if i > 1:
            part = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise{i}")(part)
            part = batch_norm(f"{name}_depthwise{i}_bn")(part)
            part = keras.layers.ReLU(name=f"{name}_depthwise{i}_relu")(part)
        return _frequency_channel_attention(part, name=f"{name}_attention{i}")

    return hierarchical(x, scale, scaled, name)


def _frequency_channel_attention(x, name):
    channels = x.shape[-1]
    squeezed = max(2, 2 * ((channels // 2 + 1) // 2))
    weights = TimeAveragePooling(name=f"{name}_mean")(x)
    weights = keras.layers.Conv2D(squeezed, 1, use_bias=False, name=f"{name}_squeeze")(weights)
    weights = keras.layers.ReLU(name=f"{name}_relu")(weights)
    weights = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_excite")(weights)
    weights = keras.layers.Activation("sigmoid", name=f"{name}_sigmoid")(weights)
    return keras.layers.Multiply(name=f"{name}_weight")([x, weights])
