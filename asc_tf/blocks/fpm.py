"""Feature pyramid module: features of all stages, each enriched by the coarser ones."""

import tf_keras as keras

from asc_tf.blocks.bc_res2 import bc_res2_block
from asc_tf.layers import PixelShuffle


def feature_pyramid(maps, channels, scale=4, sub_bands=4, dropout=0.1, name="fpm"):
    """FPM: bring the maps of all stages to C channels, add each to the finer one, average and concatenate.

    A short clip needs both the early stages' resolution and the late stages' receptive field. From the last stage to
    the first, with L_k a 1x1 convolution to C channels and S_k a BC-Res2Net block of C channels that smooths the sum:

        p_K = L_K(x_K),   p_k = L_k(x_k) + up(p_{k+1}),   output = concat_k mean_ft(S_k(p_k))

    up is the identity between maps of one size; otherwise a 1x1 convolution to 4C channels and a pixel shuffle by 2.
    Where pooling rounded an odd length up, the extra bin or frame is cut off. p_1 has the first stage's size, C x F/2 x
    T/2. No convolution has a bias.

    Args:
        maps: maps of the stages, finest first, each [batch, frequency, time, channel], each as large as the one before
            or half as large, rounded up.
        channels: C.
        scale, sub_bands, dropout: of the smoothing blocks.
        name: prefix of the layers' names; a stage's layers carry its number, from 1.

    Returns:
        [batch, K * channels], the finest stage first.

    Raises:
        ValueError: sizes of two neighbouring maps that doubling does not match, or channels that the blocks refuse.

    Reference: Jung et al., "Improving Multi-scale Aggregation Using Feature Pyramid Module for Robust Speaker
    Verification of Variable-duration Utterances", Interspeech 2020, where a transposed convolution doubles the size;
    Lee et al. (HYU), DCASE Workshop 2022, section 2.2 and table 1. HYU call the pathway bottom-up, Jung et al.
    top-down; the last three maps grow to the first one's size, as HYU say, only from the coarse last stage to the fine
    first one. HYU print no widths: the widths here are those of the authors' later speaker verification network
    (github.com/Ribotot/asml-asv), written anew from its structure. `bc_res2net` compares them with table 2.
    """
    vectors, coarser = [], None
    for stage, x in reversed(list(enumerate(maps, start=1))):
        here = f"{name}_stage{stage}"
        fused = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{here}_lateral")(x)
        if coarser is not None:
            coarser = _upsampled(coarser, fused.shape[1:3], channels, here)
            fused = keras.layers.Add(name=f"{here}_fuse")([fused, coarser])
        smooth = bc_res2_block(fused, channels, scale, sub_bands, dropout, name=f"{here}_smooth")
        vectors.append(keras.layers.GlobalAveragePooling2D(dtype="float32", name=f"{here}_average")(smooth))
        coarser = fused
    return keras.layers.Concatenate(dtype="float32", name=f"{name}_concat")(vectors[::-1])


def _upsampled(x, size, channels, name):
    """Bring `x` to `size` (frequency, time)."""
    given = tuple(x.shape[1:3])
    if given == tuple(size):
        return x
    if given != tuple((length + 1) // 2 for length in size):
        raise ValueError(f"{name}: the coarser map is {given}; expected {tuple(size)} or half of that, rounded up")
    x = keras.layers.Conv2D(4 * channels, 1, use_bias=False, name=f"{name}_upsample")(x)
    x = PixelShuffle(2, name=f"{name}_shuffle")(x)
    too_many = [(0, doubled - length) for doubled, length in zip(x.shape[1:3], size, strict=True)]
    return keras.layers.Cropping2D(too_many, name=f"{name}_crop")(x) if any(map(any, too_many)) else x
