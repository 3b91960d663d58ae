"""The broadcasted residual block."""

import tf_keras as keras

from asc_tf.layers import BatchNormalization, FrequencyAveragePooling, StridedDepthwiseConv2D, SubSpectralNormalization


def bc_res_block(x, channels, sub_bands=4, dropout=0.1, frequency_stride=1, dilation=1, name="block"):
    """Broadcasted residual block: 2-D features over frequency, 1-D features over time.

        y = ReLU(x + f2(x) + broadcast(f1(mean_f(f2(x)))))

    f2 is a 3x1 depthwise convolution over frequency with SubSpectral Normalization; f1 a 1x3 depthwise convolution over
    time, batch normalization, swish, a 1x1 convolution and channel dropout. The output of f1, one row, is broadcast
    over all frequencies. Where the number of channels changes (transition block), f2 begins with a 1x1 convolution,
    batch normalization and ReLU, and the identity x is left out. No convolution has a bias.

    Args:
        x: [batch, frequency, time, channel].
        channels: of the output.
        sub_bands: of SubSpectral Normalization; divides frequency.
        dropout: rate of the channel dropout.
        frequency_stride: of the depthwise convolution over frequency, in bins; other than 1 only in a transition block.
        dilation: of the depthwise convolution over time, in frames. The original network uses both stride and dilation,
            BC-ResNet-ASC neither.
        name: prefix of the layers' names.

    Returns:
        [batch, frequency / frequency_stride, time, channels].

    Raises:
        ValueError: a stride in a block that keeps its channels: the identity would not fit.

    Reference: Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting",
    Interspeech 2021, equations 2 and 3, figure 2.
    """
    if frequency_stride != 1 and x.shape[-1] == channels:
        raise ValueError(f"frequency_stride is {frequency_stride} where channels stay {channels}; expected 1")
    identity = x if x.shape[-1] == channels else None
    if identity is None:
        x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_expand")(x)
        x = batch_norm(f"{name}_expand_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_expand_relu")(x)
    depthwise = keras.layers.DepthwiseConv2D if frequency_stride == 1 else StridedDepthwiseConv2D
    two_d = depthwise((3, 1), (frequency_stride, 1), padding="same", use_bias=False, name=f"{name}_frequency")(x)
    two_d = SubSpectralNormalization(sub_bands, name=f"{name}_ssn")(two_d)
    one_d = FrequencyAveragePooling(name=f"{name}_mean")(two_d)
    one_d = keras.layers.DepthwiseConv2D(
        (1, 3), padding="same", dilation_rate=(1, dilation), use_bias=False, name=f"{name}_time"
    )(one_d)
    one_d = batch_norm(f"{name}_time_bn")(one_d)
    one_d = keras.layers.Activation("swish", name=f"{name}_swish")(one_d)
    one_d = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(one_d)
    one_d = keras.layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(one_d)
    summed = keras.layers.Add(name=f"{name}_broadcast")([two_d, one_d])
    if identity is not None:
        summed = keras.layers.Add(name=f"{name}_identity")([summed, identity])
    return keras.layers.ReLU(name=f"{name}_relu")(summed)


def batch_norm(name):
    """Batch normalization with the papers' framework's defaults: epsilon 1e-5, momentum 0.9 in Keras's convention."""
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)
