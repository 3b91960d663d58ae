"""TF-SepNet: time and frequency convolved apart, with Residual Normalization between the stages."""

from collections.abc import Sequence

import tf_keras as keras

from asc_tf.blocks import batch_norm, convolution, frequency_norm, tf_sep_block
from asc_tf.layers import ResidualNormalization
from asc_tf.models.standardized_input import standardized_input

BLOCKS_PER_STAGE = (2, 2, 2, 3)
STAGE_WIDTHS = (1.0, 1.5, 2.0, 2.5)


def tf_sepnet(
    input_shape: tuple[int, int, int] = (512, 64, 1),
    classes: int = 10,
    *,
    width: int = 64,
    norm: str = "resnorm",
    lambda_: float = 0.1,
    dropout: float = 0.1,
    feature_mean: float | Sequence[float] = 0.0,
    feature_std: float | Sequence[float] = 1.0,
    name: str = "tf_sepnet",
) -> keras.Model:
    """TF-SepNet: in each block one half of the channels is averaged over frequency, the other over time.

    3x3 convolution of stride 2 with c/2 channels, 3x3 depthwise of stride 2 to 2c; four stages of 2, 2, 2 and 3 blocks
    with c, 1.5c, 2c and 2.5c channels, Residual Normalization before, between and behind them, 2x2 max-pooling behind
    the first three; 1x1 classifier with bias, mean over the map. 126,858 trainable parameters at the defaults
    (TF-SepNet-64). Padding is symmetric and ResNorm's variance unbiased, as PyTorch's, so that public checkpoints
    compute here what they compute there: `asc-tf import`.

    Args:
        input_shape: (frequency, time, channels), both axes static and 32 or more; (512, 64, 1) is 1 s at 32 kHz with a
            hop of 500 samples behind pre-emphasis.
        classes: number of scenes.
        width: c, channels of the first stage; a multiple of 4.
        norm: of the five places: "resnorm", or what `frequency_norm` has, such as "adaresnorm", the paper's.
        lambda_: of it.
        dropout: rate of the channel dropout behind the pointwise convolutions.
        feature_mean, feature_std: of the training features, numbers or one a bin: see `standardized_input`.
        name: of the model.

    Returns:
        A flat functional `keras.Model`: features [batch, frequency, time, channel] to logits [batch, classes].

    Raises:
        ValueError: `width` no positive multiple of 4, `norm` unknown, a map that is smaller than a pooling window, or
            `feature_std` not positive.

    Reference: Cai et al., "TF-SepNet: An Efficient 1D Kernel Design in CNNs for Low-Complexity Acoustic Scene
    Classification", ICASSP 2024; with ResNorm, as the authors' systems of DCASE 2024 and 2025. Differences: the rate
    of the dropout is ours; kernels start from Keras's Glorot uniform.
    """
    if width < 4 or width % 4:
        raise ValueError(f"width is {width}; expected a multiple of 4 channels")
    if min(input_shape[:2]) < 32:
        raise ValueError(f"input_shape is {tuple(input_shape)}; expected 32 bins and 32 frames or more")
    inputs, x = standardized_input(input_shape, feature_mean, feature_std)
    x = convolution(x, width // 2, 3, strides=2, symmetric=True, name="stem1")
    x = keras.layers.ZeroPadding2D(1, name="stem2_pad")(x)
    # PyTorch's convolution in as many groups as there are channels: its outputs lie in the same order.
    x = keras.layers.DepthwiseConv2D(3, 2, depth_multiplier=4, use_bias=False, name="stem2")(x)
    x = keras.layers.ReLU(name="stem2_relu")(batch_norm("stem2_bn")(x))
    x = _norm(x, norm, lambda_, "stem")
    for stage, (blocks, factor) in enumerate(zip(BLOCKS_PER_STAGE, STAGE_WIDTHS, strict=True), start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
        for block in range(1, blocks + 1):
            x = tf_sep_block(x, int(width * factor), dropout, name=f"stage{stage}_block{block}")
        x = _norm(x, norm, lambda_, f"stage{stage}")
    x = keras.layers.Conv2D(classes, 1, name="classifier")(x)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)


def _norm(x, norm, lambda_, name):
    if norm == "resnorm":
        return ResidualNormalization(lambda_, unbiased=True, name=f"{name}_resnorm")(x)
    return frequency_norm(x, norm, lambda_, name=name)
