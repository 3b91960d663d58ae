"""BC-ResNet-ASC (BC-ResNet-Mod in the technical report)."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm, bc_res_block, frequency_norm
from asc_tf.models.standardized_input import standardized_input

NORM_POSITIONS = ("none", "input", "all")
STAGE_WIDTHS = (1.0, 1.5, 2.0, 2.5)


def bc_resnet_asc(
    input_shape: tuple[int, int, int] = (256, 334, 1),
    classes: int = 10,
    width: int = 10,
    norm_position: str = "all",
    lambda_: float = 0.1,
    learnable_lambda: bool | str = False,
    sub_bands: int = 4,
    dropout: float = 0.1,
    depth: Sequence[int] = (2, 2, 2, 3),
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    norm: str = "resnorm",
    name: str = "bc_resnet_asc",
) -> keras.Model:
    """BC-ResNet-ASC: a fully convolutional network of broadcasted residual blocks, receptive field 109x109.

    Stem 5x5 with stride 2 and 2c channels; four stages of c, 1.5c, 2c and 2.5c channels with 2x2 max-pooling
    after the first two; a 1x1 classifier whose map is averaged, so that every receptive field is
    classified for itself. Trainable parameters for 10 classes: 8,055 at width 10 (BC-ResNet-ASC-1), 314,970 at
    width 80 (BC-ResNet-ASC-8).

    Args:
        input_shape: (frequency, time, 1), both static; (256, 334, 1) is 10 s at a 30 ms hop.
        classes: number of scenes.
        width: c, the base number of channels; even.
        norm_position: where Residual Normalization stands: "none"; "input" (Pre-ResNorm, best for width 10 in
            the papers); "all", at the input and after each stage (best for width 80).
        lambda_: weight of its shortcut.
        learnable_lambda: train lambda, starting from `lambda_`: "scalar" or True, one a module; "bin", one a bin.
        sub_bands: of SubSpectral Normalization.
        dropout: rate of the channel dropout.
        depth: blocks per stage.
        feature_mean, feature_std: the training features' mean and standard deviation, two numbers by which the
            input is standardized. The papers do not say how the input is scaled; lambda * x asks for a known scale.
            One number a bin each makes it Global FreqNorm, a baseline of the papers.
        norm: "rfn" puts relaxed instance frequency-wise normalization in ResNorm's place, see `frequency_norm`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, 1] to logits [batch, classes].

    Raises:
        ValueError: `norm_position` or `norm` unknown, `width` odd or not positive, `depth` not of four stages,
            `feature_std` not positive, or an input too small for the three halvings.

    Reference: Kim et al., DCASE Workshop 2021, table 1 and section 2.1. Differences: "same" padding of
    the stride-2 stem puts the odd row after the input, where PyTorch's symmetric padding puts it before;
    kernels start from Keras's Glorot uniform.

    Examples:
        >>> import asc_tf
        >>> network = asc_tf.bc_resnet_asc(width=10)
        >>> sum(weight.shape.num_elements() for weight in network.trainable_weights)
        8055
    """
    if norm_position not in NORM_POSITIONS:
        raise ValueError(f"norm_position is '{norm_position}'; expected one of {', '.join(NORM_POSITIONS)}")
    if width < 2 or width % 2:
        raise ValueError(f"width is {width}; expected an even number of channels, 2 or more")
    if len(depth) != len(STAGE_WIDTHS):
        raise ValueError(f"depth is {depth}; expected the number of blocks of each of {len(STAGE_WIDTHS)} stages")
    if min(input_shape[:2]) < 8:
        raise ValueError(f"input_shape is {input_shape}; expected at least 8 frequency bins and 8 frames")
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    if norm_position != "none":
        x = frequency_norm(x, norm, lambda_, learnable_lambda, name="input")
    x = keras.layers.Conv2D(2 * width, 5, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = batch_norm("stem_bn")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    for stage, (factor, blocks) in enumerate(zip(STAGE_WIDTHS, depth, strict=True), start=1):
        for block in range(1, blocks + 1):
            x = bc_res_block(x, int(factor * width), sub_bands, dropout, name=f"stage{stage}_block{block}")
        if norm_position == "all":
            x = frequency_norm(x, norm, lambda_, learnable_lambda, name=f"stage{stage}")
        if stage <= 2:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Conv2D(classes, 1, dtype="float32", name="classifier")(x)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
