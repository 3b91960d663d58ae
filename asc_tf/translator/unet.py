"""The device translator's generator: a U-Net from the log-mel spectrogram of one device to that of another."""

from collections.abc import Sequence

import numpy as np
import tf_keras as keras

from asc_tf.layers import DeviceResponse, SubSpectralInstanceNormalization

KERNEL = 4  # bins and frames of the strided convolutions, as in pix2pix
WIDEST = 8  # channels of the deepest levels, in widths, as in pix2pix
DROPOUTS = 3  # decoder levels with dropout, from the deepest up, as in pix2pix


def unet(
    response: np.ndarray,
    width: int = 64,
    depth: Sequence[int] = 4,
    residual_blocks: int = 6,
    sub_bands: int = 16,
    dropout: float = 0.5,
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
) -> keras.Model:
    """Build the generator.

    An encoder of 4x4 convolutions of stride 2, residual blocks at the lowest resolution, and a decoder of transposed
    convolutions that also gets the encoder's map of each resolution. Its output is added to the source's spectrogram
    and the target's `DeviceResponse`. So the network begins near a fixed filter and learns what a filter cannot do:
    hiss, compression, level.

    One network serves all targets. On the held-out pairs of ESC-10 Mobile its distance to the real clips was 2.42 dB
    for b and 3.43 dB for s2; separate networks, trained as often on each pair, reached 1.94 and 3.84 dB (`asc-tf
    translate train ESC10 --from a --width 8` with `--to b c s1 s2 s3 --epochs 12`, with `--to b --epochs 3`, with `--to
    s2 --epochs 2`; one seed). That is about even, for a fifth of the weights. To get a network for each device, name
    one target at a time.

    Args:
        response: mean difference of the targets from the source, [devices, frequency], in the features' units: the
            initial `DeviceResponse`.
        width: channels after the first convolution; each level doubles them, up to eight times. pix2pix: 64.
        depth: levels. With 4, each of 16 sub-bands has one of 256 bins left after halving.
        residual_blocks: number of blocks in the middle.
        sub_bands: of the `SubSpectralInstanceNormalization` after each convolution except the first and the last.
        dropout: rate in the three deepest levels of the decoder, but never in the last level. pix2pix: 0.5.
        feature_mean, feature_std: of the source's features, two numbers, to standardize them.

    Returns:
        Keras model of [features [batch, frequency, time, 1], one-hot targets [batch, devices]] to translated features,
        of the same shape and units. Time is free and a multiple of 2^depth.

    Raises:
        ValueError: frequency, after all halvings, is no multiple of `sub_bands`.

    Reference: QTI's technical report, sections 2.3 and 3.1; Ronneberger et al., "U-Net", 2015; Isola et al., CVPR 2017,
    appendix 6.1.1. The report names residual blocks, their number and the sub-bands; depth, widths and kernels are
    pix2pix's, as far as 16 sub-bands allow. The target's response and the start as a filter are ours: pix2pix's small
    steps take long to learn large differences of level, while a mean gives them at once.
    """
    devices, bins = np.shape(response)
    if bins % (2**depth * sub_bands):
        raise ValueError(
            f"{bins} mel bins, halved {depth} times, are {bins / 2**depth:g}; "
            f"expected a multiple of the {sub_bands} sub-bands"
        )
    features = keras.Input((bins, None, 1), name="features")
    targets = keras.Input((devices,), name="targets")
    source = keras.layers.Rescaling(1 / feature_std, -feature_mean / feature_std, name="standardize")(features)
    filtered = DeviceResponse(np.asarray(response) / feature_std, name="response")([source, targets])
    x = keras.layers.Concatenate(name="conditioned")([source, filtered])
    widths = [width * min(2**level, WIDEST) for level in range(depth)]
    maps = []
    for level, channels in enumerate(widths, 1):
        if level > 1:
            x = keras.layers.LeakyReLU(0.2, name=f"down{level}_relu")(x)
        x = convolution(channels, KERNEL, f"down{level}_conv", stride=2, bias=level == 1)(x)
        if level > 1:
            x = SubSpectralInstanceNormalization(sub_bands, name=f"down{level}_ssn")(x)
        maps.append(x)
    for number in range(1, residual_blocks + 1):
        x = _residual_block(x, sub_bands, f"residual{number}")
    for level in range(depth, 1, -1):
        x = keras.layers.ReLU(name=f"up{level}_relu")(x)
        x = _upsampling(widths[level - 2], f"up{level}_conv", bias=False)(x)
        x = SubSpectralInstanceNormalization(sub_bands, name=f"up{level}_ssn")(x)
        if dropout and level > depth - DROPOUTS:
            x = keras.layers.Dropout(dropout, name=f"up{level}_dropout")(x)
        x = keras.layers.Concatenate(name=f"up{level}_skip")([x, maps[level - 2]])
    x = keras.layers.ReLU(name="up1_relu")(x)
    x = _upsampling(1, "up1_conv", bias=True)(x)
    x = keras.layers.Add(name="translated")([source, filtered, x])
    outputs = keras.layers.Rescaling(feature_std, feature_mean, name="unstandardize")(x)
    return keras.Model([features, targets], outputs, name="unet")


def translate(generator: keras.Model, features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Translate clips of any length.

    Args:
        generator: of `unet`.
        features: [clips, frequency, time].
        targets: index of each clip's target device, int [clips].

    Returns:
        float32 [clips, frequency, time].
    """
    frames, devices = features.shape[2], generator.input_shape[1][1]
    missing = -frames % _halvings(generator)
    padded = np.pad(np.asarray(features, np.float32), ((0, 0), (0, 0), (0, missing)), mode="edge")
    translated = generator.predict_on_batch([padded[..., np.newaxis], np.eye(devices, dtype=np.float32)[targets]])
    return translated[:, :, :frames, 0]


def convolution(channels, kernel, name, stride=1, bias=False):
    """A convolution with pix2pix's initial kernel."""
    return keras.layers.Conv2D(
        channels, kernel, stride, "same", use_bias=bias, kernel_initializer=_initializer(), name=name
    )


def _upsampling(channels, name, bias):
    return keras.layers.Conv2DTranspose(
        channels, KERNEL, 2, "same", use_bias=bias, kernel_initializer=_initializer(), name=name
    )


def _initializer():
    return keras.initializers.RandomNormal(stddev=0.02)


def _residual_block(x, sub_bands, name):
    """x + SSN(conv(ReLU(SSN(conv(x))))), both convolutions 3x3."""
    y = convolution(x.shape[-1], 3, f"{name}_conv1")(x)
    y = SubSpectralInstanceNormalization(sub_bands, name=f"{name}_ssn1")(y)
    y = keras.layers.ReLU(name=f"{name}_relu")(y)
    y = convolution(x.shape[-1], 3, f"{name}_conv2")(y)
    y = SubSpectralInstanceNormalization(sub_bands, name=f"{name}_ssn2")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _halvings(generator):
    """2^depth of a `unet`."""
    return 2 ** sum(isinstance(layer, keras.layers.Conv2DTranspose) for layer in generator.layers)
