import numpy as np
import pytest
import tf_keras as keras
from numpy_blocks import NumpyLayers, with_random_weights

from asc_tf.blocks.fpm import feature_pyramid


def build(shapes, channels=8, **arguments):
    inputs = [keras.Input(shape) for shape in shapes]
    return with_random_weights(keras.Model(inputs, feature_pyramid(inputs, channels, **arguments)))


def doubled(x, kernel):
    """A transposed convolution of kernel and stride 2, tap by tap; `kernel` [in, 2 * 2 * C], frequency before time."""
    batch, frequency, time, _ = x.shape
    channels = kernel.shape[1] // 4
    outputs = np.empty((batch, 2 * frequency, 2 * time, channels))
    for tap, (down, right) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        outputs[:, down::2, right::2] = x @ kernel[:, tap * channels : (tap + 1) * channels]
    return outputs


def reference(model, maps):
    """From the coarsest map to the finest; what doubling gives too much is cut off."""
    coarser, vectors = None, []
    for stage in range(len(maps), 0, -1):
        layers = NumpyLayers(model, f"fpm_stage{stage}")
        fused = layers.pointwise(maps[stage - 1], "lateral")
        if coarser is not None:
            if coarser.shape[1:3] != fused.shape[1:3]:
                coarser = doubled(coarser, layers.weights("upsample")[0][0, 0])
            fused = fused + coarser[:, : fused.shape[1], : fused.shape[2]]
        smooth = NumpyLayers(model, f"fpm_stage{stage}_smooth").bc_res2(fused, transition=False)
        vectors.insert(0, smooth.mean(axis=(1, 2)))
        coarser = fused
    return np.concatenate(vectors, axis=-1)


@pytest.mark.parametrize("frames", [(8, 4), (7, 4)], ids=["even", "odd"])
def test_pyramid_is_its_equation(frames):
    shapes = [(16, frames[0], 8), (8, frames[1], 12), (4, 2, 16), (4, 2, 20)]
    model = build(shapes)
    generator = np.random.default_rng(1)
    maps = [generator.normal(0, 1, (2, *shape)) for shape in shapes]
    outputs = model([x.astype(np.float32) for x in maps])
    assert outputs.shape == (2, 4 * 8)
    np.testing.assert_allclose(outputs, reference(model, maps), rtol=1e-4)


@pytest.mark.parametrize("coarse", [(4, 8), (8, 3), (5, 4)])
def test_maps_that_no_doubling_joins_are_refused(coarse):
    with pytest.raises(
        ValueError, match=r"fpm_stage1: the coarser map is \(\d, \d\); expected \(8, 8\) or half of that"
    ):
        build([(8, 8, 8), (*coarse, 8)], sub_bands=1)
