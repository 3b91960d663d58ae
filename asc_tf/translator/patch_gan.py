"""The device translator's discriminator: a PatchGAN, which judges overlapping patches of a spectrogram."""

from collections.abc import Sequence

import numpy as np
import tf_keras as keras

from asc_tf.layers import BatchNormalization, DeviceResponse
from asc_tf.translator.unet import KERNEL, convolution

LEAK = 0.2


def patch_gan(
    response: np.ndarray,
    width: int = 64,
    layers: int = 3,
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
) -> keras.Model:
    """Build the discriminator: is the candidate for this source real or translated?

    `layers` 4x4 convolutions of stride 2, one of stride 1, and one to a single channel: with 3 each score judges a
    patch of 70 x 70. Batch normalization and leaky ReLU 0.2 as in pix2pix.

    Args:
        response: mean difference of the targets from the source, [devices, frequency], as in `unet`.
        width: channels after the first convolution; each layer doubles them, up to eight times. pix2pix: 64.
        layers: number of layers of stride 2.
        feature_mean, feature_std: of the features, two numbers.

    Returns:
        Keras model of [source [batch, frequency, time, 1], one-hot targets [batch, devices], candidate, as the source]
        to scores [batch, frequency / 2^layers, time / 2^layers, 1], trained towards 1 for real spectrograms of the
        target and 0 for translated ones.

    Reference: Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section
    3.2.2 and appendix 6.1.2.
    """
    devices, bins = np.shape(response)
    source, candidate = (keras.Input((bins, None, 1), name=name) for name in ("features", "candidate"))
    targets = keras.Input((devices,), name="targets")
    standardize = keras.layers.Rescaling(1 / feature_std, -feature_mean / feature_std, name="standardize")
    filtered = DeviceResponse(np.asarray(response) / feature_std, name="response")([source, targets])
    x = keras.layers.Concatenate(name="conditioned")([standardize(source), standardize(candidate), filtered])
    for layer in range(layers + 1):
        stride = 2 if layer < layers else 1
        x = convolution(width * min(2**layer, 8), KERNEL, f"conv{layer + 1}", stride, bias=layer == 0)(x)
        if layer:
            x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm{layer + 1}")(x)
        x = keras.layers.LeakyReLU(LEAK, name=f"relu{layer + 1}")(x)
    scores = convolution(1, KERNEL, "scores", bias=True)(x)
    return keras.Model([source, targets, candidate], scores, name="patch_gan")
