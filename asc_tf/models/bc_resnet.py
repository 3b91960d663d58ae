"""The original BC-ResNet, for keyword spotting."""

import math
from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm, bc_res_block, frequency_norm
from asc_tf.models.bc_resnet_asc import NORM_POSITIONS, STAGE_WIDTHS
from asc_tf.models.standardized_input import standardized_input

FREQUENCY_STRIDES = (1, 2, 2, 1)
DILATIONS = (1, 2, 4, 8)
_HEAD_BINS = 5


def bc_resnet(
    input_shape: tuple[int, int, int] = (256, 334, 1),
    classes: int = 10,
    *,
    width: int = 64,
    norm_position: str = "none",
    norm: str = "resnorm",
    lambda_: float = 0.1,
    learnable_lambda: bool | str = False,
    sub_bands: int = 4,
    dropout: float = 0.1,
    depth: Sequence[int] = (2, 2, 4, 4),
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "bc_resnet",
) -> keras.Model:
    """BC-ResNet: broadcasted residual blocks at full temporal resolution, dilated to see far in time.

    The network that BC-ResNet-ASC was made from, and the papers' baseline. Stem 5x5 with stride 2 over frequency alone
    and 2c channels; four stages of c, 1.5c, 2c and 2.5c channels, the second and third of stride 2 over frequency,
    dilation 1, 2, 4 and 8 over time; depthwise 5x5 without padding over frequency; 1x1 to 4c channels; mean over
    frequency and time; 1x1 classifier. Trainable parameters for 10 classes and 4 sub-bands: 317,610 at width 64
    (BC-ResNet-8; 317k in the papers).

    Args:
        input_shape: (frequency, time, channels), both axes static; frequency 33 bins or more.
        classes: number of scenes.
        width: c, the base number of channels; even. BC-ResNet-k has c = 8k.
        norm_position: where Residual Normalization stands, as in `bc_resnet_asc`; the original has none.
        norm, lambda_, learnable_lambda: of `frequency_norm`.
        sub_bands: of SubSpectral Normalization. The original has 5 at 40 mel bins; the papers take 4 for 256.
        dropout: rate of the channel dropout.
        depth: blocks per stage.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, channel] to logits [batch, classes].

    Raises:
        ValueError: `norm_position` or `norm` unknown, `width` odd or not positive, `depth` not of four stages,
            `feature_std` not positive, too few bins for the depthwise 5x5, or bins that do not divide into the
            sub-bands.

    Reference: Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting", Interspeech 2021, table 1;
    DCASE Workshop 2021, table 2 ("BC-ResNet-8, num SSN group = 4"). Differences: of an even number of bins, "same"
    padding of a stride of 2 puts the odd row after the input, where PyTorch's puts one before it; kernels start from
    Keras's Glorot uniform.
    """
    if norm_position not in NORM_POSITIONS:
        raise ValueError(f"norm_position is '{norm_position}'; expected one of {', '.join(NORM_POSITIONS)}")
    if width < 2 or width % 2:
        raise ValueError(f"width is {width}; expected an even number of channels, 2 or more")
    if len(depth) != len(STAGE_WIDTHS):
        raise ValueError(f"depth is {depth}; expected the number of blocks of each of {len(STAGE_WIDTHS)} stages")
    if math.ceil(input_shape[0] / 8) < _HEAD_BINS:
        raise ValueError(f"input_shape is {input_shape}; expected at least 33 frequency bins")
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    if norm_position != "none":
        x = frequency_norm(x, norm, lambda_, learnable_lambda, name="input")
    x = keras.layers.Conv2D(2 * width, 5, strides=(2, 1), padding="same", use_bias=False, name="stem")(x)
    x = batch_norm("stem_bn")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    stages = zip(STAGE_WIDTHS, depth, FREQUENCY_STRIDES, DILATIONS, strict=True)
    for stage, (factor, blocks, stride, dilation) in enumerate(stages, start=1):
        for block in range(1, blocks + 1):
            x = bc_res_block(
                x,
                int(factor * width),
                sub_bands,
                dropout,
                frequency_stride=stride if block == 1 else 1,
                dilation=dilation,
                name=f"stage{stage}_block{block}",
            )
        if norm_position == "all":
            x = frequency_norm(x, norm, lambda_, learnable_lambda, name=f"stage{stage}")
    logits = _head(x, 4 * width, classes)
    return keras.Model(inputs, logits, name=name)


def _head(x, channels, classes):
    """From the last stage's map to logits, with a receptive field of all bins left and the whole clip."""
    x = keras.layers.ZeroPadding2D((0, _HEAD_BINS // 2), name="head_pad")(x)
    x = keras.layers.DepthwiseConv2D(_HEAD_BINS, use_bias=False, name="head_depthwise")(x)
    x = keras.layers.Conv2D(channels, 1, use_bias=False, name="head_pointwise")(x)
    x = batch_norm("head_bn")(x)
    x = keras.layers.ReLU(name="head_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="head_mean")(x)
    x = keras.layers.Conv2D(classes, 1, dtype="float32", name="classifier")(x)
    return keras.layers.Flatten(dtype="float32", name="logits")(x)
