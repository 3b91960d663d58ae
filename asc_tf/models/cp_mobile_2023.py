"""CP-Mobile as it won DCASE 2023."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm, convolution, inverted_residual, rounded_channels
from asc_tf.models.standardized_input import standardized_input

BLOCKS_PER_STAGE = (3, 2, 1)
STRIDES = {2: (2, 2), 4: (2, 1)}  # block: (frequency, time)


def cp_mobile_2023(
    input_shape: tuple[int, int, int] = (256, 64, 1),
    classes: int = 10,
    *,
    width: int = 32,
    multiplier: float = 2.3,
    expansion: float = 3.0,
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "cp_mobile_2023",
) -> keras.Model:
    """CP-Mobile of 2023: inverted residual blocks with Global Response Normalization.

    Two 3x3 convolutions of stride 2 with c/4 and c channels; three stages of 3, 2 and 1 blocks with c, 2.3c and 5.29c
    channels, rounded to multiples of 8; a 1x1 classifier without bias, batch normalization, mean over the map. The
    second block halves frequency and time, the fourth frequency. 126,952 trainable parameters at the defaults. Padding
    is symmetric, as PyTorch's, so that public checkpoints compute here what they compute there: `asc-tf import`.

    Args:
        input_shape: (frequency, time, channels), both axes static; (256, 64, 1) is 1 s at 32 kHz with a hop of 500
            samples behind pre-emphasis.
        classes: number of scenes.
        width: c, channels after the first two convolutions; a multiple of 8.
        multiplier: width of a stage over that of the one before.
        expansion: width within a block over that of its input, rounded to a multiple of 8.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, channel] to logits [batch, classes].

    Raises:
        ValueError: `width` no positive multiple of 8, `multiplier` or `expansion` not positive, or `feature_std` not
            positive.

    Reference: Schmid et al., "Distilling the Knowledge of Transformers and CNNs with CP-Mobile", DCASE Workshop 2023.
    Difference: kernels start from Keras's Glorot uniform.
    """
    if width < 8 or width % 8:
        raise ValueError(f"width is {width}; expected a multiple of 8 channels")
    if multiplier <= 0 or expansion <= 0:
        raise ValueError(f"multiplier is {multiplier} and expansion {expansion}; expected positive numbers")
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    x = convolution(x, width // 4, 3, strides=2, symmetric=True, name="stem1")
    x = convolution(x, width, 3, strides=2, symmetric=True, name="stem2")
    block = 0
    for stage, blocks in enumerate(BLOCKS_PER_STAGE, start=1):
        channels = rounded_channels(width * multiplier ** (stage - 1))
        for _ in range(blocks):
            block += 1
            x = inverted_residual(
                x,
                channels,
                expansion,
                STRIDES.get(block, (1, 1)),
                symmetric=True,
                response_norm=True,
                name=f"stage{stage}_block{block}",
            )
    x = keras.layers.Conv2D(classes, 1, use_bias=False, name="classifier")(x)
    x = batch_norm("classifier_bn")(x)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
