"""The broadcasted residual block with Res2Net's hierarchical sub-maps."""

import tf_keras as keras

from asc_tf.blocks.bc_res import batch_norm
from asc_tf.layers import ChannelSplit, FrequencyAveragePooling, SubSpectralNormalization


def bc_res2_block(x, channels, scale=4, sub_bands=4, dropout=0.1, name="block"):
    """BC-Res2Net block: a broadcasted residual block whose two depthwise convolutions are chains over s sub-maps.

    Each sub-map also gets its neighbour's result, so that one block sees several receptive fields. The block has fewer
    weights than the plain block, since the first sub-map has none:

        F2(x_i) = x_i  for i = 1;   f_SSN,i(f_2C,i(x_i))  for i = 2;   f_SSN,i(f_2C,i(x_i + F2(x_{i-1})))  beyond    (1)
        F1(y_i) = y_i  for i = 1;   f_ReLU,i(f_1C,i(y_i))  for i = 2;   f_ReLU,i(f_1C,i(y_i + F1(y_{i-1})))  beyond  (2)
        output = ReLU(BN(x + F2(x) + broadcast(dropout(W F1(mean_f(F2(x)))))))

    f_2C is a 3x1 depthwise convolution over frequency, f_SSN SubSpectral Normalization, f_1C a 1x3 depthwise
    convolution over time, W a 1x1 convolution. Where the number of channels changes (transition block), a 1x1
    convolution, batch normalization and ReLU precede F2, and the identity x is left out. No convolution has a bias.

    Args:
        x: [batch, frequency, time, channel].
        channels: C of the output, a multiple of `scale`.
        scale: s, the number of sub-maps of F2 and of F1.
        sub_bands: of SubSpectral Normalization; divides frequency.
        dropout: rate of the channel dropout.
        name: prefix of the layers' names; a sub-map's layers end in its i.

    Returns:
        [batch, frequency, time, channels].

    Raises:
        ValueError: `channels` is not a multiple of `scale`, or frequency not one of `sub_bands`.

    Reference: Lee et al. (HYU), "Multi-scale Architecture and Device-aware Data-random-drop Based Fine-tuning Method
    for Acoustic Scene Classification", DCASE Workshop 2022, figure 1, equations 1 and 2. Where the text is open:
    - Batch normalization: equation 2 has none in F1, section 2.1 one after the sum. This block follows both, and table
      2 agrees: at width 40 the network is then 2,310 parameters smaller than BC-ResNet (printed: 88.1K and 85.8K).
    - The second residual beside the identity is printed as "result of F1"; here it is F2's, as in BC-ResNet.
    """
    _check(channels, scale)
    identity = x if x.shape[-1] == channels else None
    if identity is None:
        x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_expand")(x)
        x = batch_norm(f"{name}_expand_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_expand_relu")(x)

    def over_frequency(part, i):
        if i == 1:
            return part
        part = keras.layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False, name=f"{name}_frequency{i}")(part)
        return SubSpectralNormalization(sub_bands, name=f"{name}_ssn{i}")(part)

    def over_time(part, i):
        if i == 1:
            return part
        part = keras.layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False, name=f"{name}_time{i}")(part)
        return keras.layers.ReLU(name=f"{name}_time{i}_relu")(part)

    two_d = hierarchical(x, scale, over_frequency, name=f"{name}_f2")
    one_d = FrequencyAveragePooling(name=f"{name}_mean")(two_d)
    one_d = hierarchical(one_d, scale, over_time, name=f"{name}_f1")
    one_d = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(one_d)
    one_d = keras.layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(one_d)
    summed = keras.layers.Add(name=f"{name}_broadcast")([two_d, one_d])
    if identity is not None:
        summed = keras.layers.Add(name=f"{name}_identity")([summed, identity])
    return keras.layers.ReLU(name=f"{name}_relu")(batch_norm(f"{name}_bn")(summed))


def hierarchical(x, scale, transform, name):
    """Res2Net's chain: split the channels into s sub-maps and feed each together with the result of the one before.

        y_1 = transform(x_1, 1),   y_2 = transform(x_2, 2),   y_i = transform(x_i + y_{i-1}, i)  for i > 2

    Args:
        x: [batch, frequency, time, channel].
        scale: s; divides the number of channels.
        transform: function from a sub-map [batch, frequency, time, channel / s] and its i, from 1, to the same shape.
        name: prefix of the names of the layers that split, add and concatenate.

    Returns:
        y_1 ... y_s, concatenated: of the shape of `x`.

    Reference: Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", IEEE TPAMI 2021, equation 1. Difference:
    in the paper y_1 is always x_1.
    """
    parts = []
    for i, part in enumerate(ChannelSplit(scale, name=f"{name}_split")(x), start=1):
        if i > 2:
            part = keras.layers.Add(name=f"{name}_chain{i}")([part, parts[-1]])
        parts.append(transform(part, i))
    return keras.layers.Concatenate(name=f"{name}_concat")(parts)


def _check(channels, scale):
    if scale < 2:
        raise ValueError(f"scale is {scale}; expected 2 sub-maps or more")
    if channels % scale:
        raise ValueError(f"channels is {channels}; expected a multiple of scale = {scale}")
