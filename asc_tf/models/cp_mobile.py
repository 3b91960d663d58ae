"""CP-Mobile as the DCASE 2024 baseline has it: a present-day network to compare with."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm, convolution, inverted_residual, rounded_channels
from asc_tf.models.standardized_input import standardized_input


def cp_mobile(
    input_shape: tuple[int, int, int] = (256, 65, 1),
    classes: int = 10,
    *,
    width: int = 32,
    multiplier: float = 1.8,
    expansion: float = 2.1,
    depth: Sequence[int] = (3, 2, 1),
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "cp_mobile",
) -> keras.Model:
    """CP-Mobile: inverted residual blocks, wide inside and narrow between, with 3x3 depthwise convolutions.

    Two 3x3 convolutions of stride 2 with c/4 and c channels; three stages of c, 1.8c and 3.24c channels; a 1x1
    classifier without bias, batch normalization, mean over the map. The last block of the first stage halves time, the
    first of the second halves frequency. At the defaults, those of the DCASE 2024 baseline: 61,148 trainable
    parameters and 29,416,448 multiply-accumulates of convolutions; the published 29,419,156 add one for each of the
    2,708 weights of the batch normalizations.

    Args:
        input_shape: (frequency, time, channels), both axes static; (256, 65, 1) is 1 s at 32 kHz with a hop of 500
            samples.
        classes: number of scenes.
        width: c, channels after the first two convolutions; a multiple of 8.
        multiplier: width of a stage over that of the one before.
        expansion: width within a block over that of its input. Both products are rounded to multiples of 8.
        depth: blocks per stage.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, channel] to logits [batch, classes].

    Raises:
        ValueError: `width` no positive multiple of 8, `multiplier` or `expansion` not positive, a stage without block,
            or `feature_std` not positive.

    Reference: Schmid et al., "Distilling the Knowledge of Transformers and CNNs with CP-Mobile", DCASE Workshop 2023;
    the DCASE 2024 task 1 baseline, which is followed where the two differ: in its strides and without the Global
    Response Normalization after each block. Differences: "same" padding, where PyTorch's puts one row before an even
    number of bins or frames, and its average pooling, which counts no padding; kernels start from Keras's Glorot
    uniform.
    """
    if width < 8 or width % 8:
        raise ValueError(f"width is {width}; expected a multiple of 8 channels")
    if multiplier <= 0 or expansion <= 0:
        raise ValueError(f"multiplier is {multiplier} and expansion {expansion}; expected positive numbers")
    if not depth or min(depth) < 1:
        raise ValueError(f"depth is {depth}; expected one or more blocks in each stage")
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    x = convolution(x, width // 4, 3, strides=2, name="stem1")
    x = convolution(x, width, 3, strides=2, name="stem2")
    for stage, blocks in enumerate(depth, start=1):
        channels = rounded_channels(width * multiplier ** (stage - 1))
        for block in range(1, blocks + 1):
            strides = (1, 2) if (stage, block) == (1, blocks) else (2, 1) if (stage, block) == (2, 1) else (1, 1)
            x = inverted_residual(x, channels, expansion, strides, name=f"stage{stage}_block{block}")
    x = keras.layers.Conv2D(classes, 1, use_bias=False, name="classifier")(x)
    x = batch_norm("classifier_bn")(x)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
