"""BC-Res2Net, with multi-scale frequency-channel attention (MFA) and the feature pyramid module (FPM)."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks.bc_res import batch_norm
from asc_tf.blocks.bc_res2 import bc_res2_block
from asc_tf.blocks.fpm import feature_pyramid
from asc_tf.blocks.frequency_norm import frequency_norm
from asc_tf.blocks.mfa import multi_scale_frequency_channel_attention
from asc_tf.models.standardized_input import standardized_input

NORM_POSITIONS = ("none", "input", "stages", "all")
STAGE_WIDTHS = (1.0, 1.5, 2.0, 2.5)


def bc_res2net(
    input_shape: tuple[int, int, int] = (256, 32, 1),
    classes: int = 10,
    *,
    width: int = 40,
    norm_position: str = "stages",
    norm: str = "resnorm",
    lambda_: float = 0.1,
    learnable_lambda: bool | str = False,
    sub_bands: int = 4,
    scale: int = 4,
    dropout: float = 0.1,
    mfa: bool = False,
    fpm: bool = False,
    stem_mfa: bool = True,
    depth: Sequence[int] = (2, 2, 2, 3),
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "bc_res2net",
) -> keras.Model:
    """BC-Res2Net: BC-ResNet-ASC with multi-scale blocks, for segments of about 1 s.

    Stem 5x5 with stride 2 and 2c channels, batch normalization, ReLU, MFA; four stages of c, 1.5c, 2c and 2.5c
    channels, each followed by ResNorm and, with `mfa`, by MFA, with 2x2 max-pooling (rounding up) after the first two;
    then the average of the last map, or with `fpm` those of the pyramid's four (4c values), and one linear layer.
    Parameters, and MACs of convolutions and dense layers, at width 40, 256 bins x 32 frames and 10 classes, with what
    table 2 prints in brackets:

        neither          85,840 (85.8K)    15.76M (15.89M)
        mfa              93,590 (93.6K)    16.92M (17.06M)    printed in the row "w/ FPM"
        fpm             118,840 (123.6K)   25.59M (17.45M)    printed in the row "w/ MFA"
        mfa and fpm     126,590 (126.6K)   26.76M (26.76M)

    Those two rows seem to have changed places. Read so, parameters agree to every printed digit but for FPM alone
    (-3.9 %); MACs agree within 0.9 %, and within 0.1 % if the linear layer stood before the average, which is the same
    function for 127,000 more. The MACs of FPM alone do not agree: printed, FPM adds 1.56M to the plain network and, in
    the row below, 9.70M to MFA, which is what this one costs; no one structure gives both. The rows without MFA are met
    only if the stem keeps its attention, 2,260 parameters and 1.31M MACs; by these 2,260 the 88.1K printed for
    BC-ResNet-40 differ from `bc_resnet_asc` too. With `stem_mfa=False` it is 83,580 and 14.45M (-2.6 %, -9.1 %).

    Worked through for the rows as labelled, and dropped: attention of channels and of bins by dense layers (about
    123.6K, but 0.04M MACs more instead of 1.56M) or of both flattened (millions of weights); a pyramid without lateral
    convolutions (2.5c channels do not shuffle into c) or of grouped convolutions (93.6K, but then 131K with MFA).

    Args:
        input_shape: (frequency, time, 1), both static; (256, 32, 1) is 1 s at 512 samples of 16 kHz.
        classes: number of scenes.
        width: c, the base number of channels; a multiple of 2 * `scale`, so that every stage's divide into sub-maps.
        norm_position: where Residual Normalization stands: "none"; "input"; "stages", after each of them (the paper);
            "all", both, as in `bc_resnet_asc`.
        norm, lambda_, learnable_lambda: of `frequency_norm`.
        sub_bands: of SubSpectral Normalization; divides frequency after the stem and after each pooling.
        scale: s, the number of sub-maps of a block's F2 and F1 and of MFA.
        dropout: rate of the channel dropout.
        mfa: attention after each stage's ResNorm too.
        fpm: aggregate all stages by the feature pyramid module.
        stem_mfa: attention after the stem.
        depth: blocks per stage.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, 1] to logits [batch, classes].

    Raises:
        ValueError: `norm_position` or `norm` unknown, `scale` below 2, `width` not a positive multiple of 2 * `scale`,
            `depth` not of four stages, `feature_std` not positive, an input too small for the three halvings, or
            frequency that the sub-bands do not divide.

    Reference: Lee et al. (HYU), "Multi-scale Architecture and Device-aware Data-random-drop Based Fine-tuning Method
    for Acoustic Scene Classification", DCASE Workshop 2022, tables 1 and 2, figures 1 and 2. What it leaves open
    follows the structure of the authors' later speaker verification network (github.com/Ribotot/asml-asv), written
    anew. Differences: the stem's padding and the initial kernels, as in `bc_resnet_asc`; batch norm's epsilon 1e-5.
    """
    _check(input_shape, width, norm_position, scale, depth)
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    if norm_position in ("input", "all"):
        x = frequency_norm(x, norm, lambda_, learnable_lambda, name="input")
    x = _stem(x, 2 * width, scale, stem_mfa)
    maps = []
    for stage, (factor, blocks) in enumerate(zip(STAGE_WIDTHS, depth, strict=True), start=1):
        if stage in (2, 3):
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"stage{stage - 1}_pool")(x)
        for block in range(1, blocks + 1):
            x = bc_res2_block(x, int(factor * width), scale, sub_bands, dropout, name=f"stage{stage}_block{block}")
        if norm_position in ("stages", "all"):
            x = frequency_norm(x, norm, lambda_, learnable_lambda, name=f"stage{stage}")
        if mfa:
            x = multi_scale_frequency_channel_attention(x, scale, name=f"stage{stage}_mfa")
        maps.append(x)
    if fpm:
        vector = feature_pyramid(maps, width, scale, sub_bands, dropout)
    else:
        vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="average")(x)
    logits = keras.layers.Dense(classes, dtype="float32", name="logits")(vector)
    return keras.Model(inputs, logits, name=name)


def _stem(x, channels, scale, attention):
    x = keras.layers.Conv2D(channels, 5, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = batch_norm("stem_bn")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    return multi_scale_frequency_channel_attention(x, scale, name="stem_mfa") if attention else x


def _check(input_shape, width, norm_position, scale, depth):
    if norm_position not in NORM_POSITIONS:
        raise ValueError(f"norm_position is '{norm_position}'; expected one of {', '.join(NORM_POSITIONS)}")
    if scale < 2:
        raise ValueError(f"scale is {scale}; expected 2 sub-maps or more")
    if width < 1 or width % (2 * scale):
        raise ValueError(f"width is {width}; expected a positive multiple of 2 * scale = {2 * scale}")
    if len(depth) != len(STAGE_WIDTHS):
        raise ValueError(f"depth is {depth}; expected the number of blocks of each of {len(STAGE_WIDTHS)} stages")
    if min(input_shape[:2]) < 8:
        raise ValueError(f"input_shape is {input_shape}; expected at least 8 frequency bins and 8 frames")
