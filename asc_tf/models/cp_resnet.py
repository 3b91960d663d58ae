"""CP-ResNet: a residual network whose receptive field is a parameter."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm
from asc_tf.models.standardized_input import standardized_input

BLOCKS_PER_STAGE = 4
STAGE_WIDTHS = (1, 2, 4)
POOLED_BLOCKS = (1, 2, 4)  # of the first stage
MAX_RHO = 22


def cp_resnet(
    input_shape: tuple[int, int, int] = (256, 334, 1),
    classes: int = 10,
    *,
    width: int = 64,
    rho: int = 5,
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "cp_resnet",
) -> keras.Model:
    """CP-ResNet: residual blocks of 3x3 convolutions as far as the receptive field may grow, of 1x1 from there on.

    A receptive field that is too large overfits scenes; rho sets it without touching depth or width. Stem 5x5 of stride
    2; three stages of c, 2c and 4c channels and four basic blocks each, 2x2 max-pooling after the first stage's blocks
    1, 2 and 4; 1x1 classifier without bias, batch normalization, mean over the map. The first block's two kernels are
    3x3 and 1x1; of the 22 convolutions after them,

        kernel_k = 3x3 if k <= rho, else 1x1

    Trainable parameters at width 64, rho 5, 10 classes: 896,980 with one input channel, 898,580 with two (899k in the
    papers).

    Args:
        input_shape: (frequency, time, channels), both axes static and 16 or more.
        classes: number of scenes.
        width: c, the channels of the stem and the first stage.
        rho: number of 3x3 kernels after the first block, 0 to 22; see `receptive_field`. 5 is the papers'.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, channel] to logits [batch, classes].

    Raises:
        ValueError: `rho` out of range, `width` or `feature_std` not positive, or an input too small for the four
            halvings.

    Reference: Koutini et al., "The Receptive Field as a Regularizer in Deep Convolutional Neural Networks for Acoustic
    Scene Classification", EUSIPCO 2019; DCASE Workshop 2021, table 2 (67.8 %). Differences: "same" padding of the
    stem, where the authors pad one row of the two it takes; kernels start from Keras's Glorot uniform, not from Fixup.
    """
    if width < 1:
        raise ValueError(f"width is {width}; expected 1 or more channels")
    if min(input_shape[:2]) < 16:
        raise ValueError(f"input_shape is {input_shape}; expected at least 16 frequency bins and 16 frames")
    _check(rho)
    kernels = iter(_kernels(rho))
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    x = keras.layers.Conv2D(width, 5, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = batch_norm("stem_bn")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    for stage, factor in enumerate(STAGE_WIDTHS, start=1):
        for block in range(1, BLOCKS_PER_STAGE + 1):
            where = f"stage{stage}_block{block}"
            x = _basic_block(x, factor * width, next(kernels), next(kernels), name=where)
            if stage == 1 and block in POOLED_BLOCKS:
                x = keras.layers.MaxPooling2D(2, name=f"{where}_pool")(x)
    x = keras.layers.Conv2D(classes, 1, use_bias=False, name="classifier")(x)
    x = batch_norm("classifier_bn")(x)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)


def receptive_field(rho):
    """Side of the square that one place of the classifier's map sees, in bins and frames, max-pooling counted.

    23 for rho 0; each further 3x3 convolution adds twice the stride at which it stands: 8 twice, 16 four times, then
    32.
    """
    _check(rho)
    return 23 + sum(2 * _stride(k) for k in range(1, rho + 1))


def _stride(k):
    """Input frames from one place of the map to the next, at the k-th convolution after the first block."""
    return 4 if k <= 2 else 8 if k <= 6 else 16


def _kernels(rho):
    """Sides of the 24 kernels of the blocks, in order."""
    return [3, 1] + [3 if k <= rho else 1 for k in range(1, MAX_RHO + 1)]


def _check(rho):
    if rho not in range(MAX_RHO + 1):
        raise ValueError(f"rho is {rho}; expected a whole number from 0 to {MAX_RHO}")


def _basic_block(x, channels, first, second, name):
    """y = ReLU(x + BN(conv2(ReLU(BN(conv1(x)))))); x through a 1x1 convolution where the number of channels changes."""
    identity = x
    if x.shape[-1] != channels:
        identity = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
        identity = batch_norm(f"{name}_project_bn")(identity)
    x = keras.layers.Conv2D(channels, first, padding="same", use_bias=False, name=f"{name}_conv1")(x)
    x = batch_norm(f"{name}_conv1_bn")(x)
    x = keras.layers.ReLU(name=f"{name}_conv1_relu")(x)
    x = keras.layers.Conv2D(channels, second, padding="same", use_bias=False, name=f"{name}_conv2")(x)
    x = batch_norm(f"{name}_conv2_bn")(x)
    x = keras.layers.Add(name=f"{name}_identity")([x, identity])
    return keras.layers.ReLU(name=f"{name}_relu")(x)
