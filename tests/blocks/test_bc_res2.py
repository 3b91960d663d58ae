import numpy as np
import pytest
import tf_keras as keras
from numpy_blocks import NumpyLayers, with_random_weights

from asc_tf.blocks.bc_res2 import bc_res2_block


def build(shape, channels, **arguments):
    inputs = keras.Input(shape)
    return with_random_weights(keras.Model(inputs, bc_res2_block(inputs, channels, **arguments)))


@pytest.fixture
def features():
    return np.random.default_rng(1).normal(0, 1, (2, 8, 5, 12))


@pytest.mark.parametrize("channels", [12, 8], ids=["normal", "transition"])
def test_block_is_equations_1_and_2(features, channels):
    model = build((8, 5, 12), channels)
    expected = NumpyLayers(model, "block").bc_res2(features, transition=channels != 12)
    assert (expected > 0).mean() > 0.3
    np.testing.assert_allclose(model(features), expected, rtol=1e-4, atol=1e-4)


def test_a_sub_map_sees_one_bin_more_than_the_one_before():
    """F2 of x_1, x_2, x_3, x_4 reaches 0, 1, 2, 3 bins to either side."""
    model = build((32, 5, 8), 8, sub_bands=1)
    two_d = keras.Model(model.input, model.get_layer("block_f2_concat").output)
    impulse = np.zeros((1, 32, 5, 8), np.float32)
    changed = impulse.copy()
    changed[:, 16] = 1.0
    moved = np.abs(two_d(changed) - two_d(impulse)).max(axis=(0, 2)) > 1e-6
    assert [moved[:, 2 * i].sum() for i in range(4)] == [1, 3, 5, 7]


def test_first_sub_maps_have_no_weights():
    """Three depthwise filters each for F2 and F1, three times 4 sub-bands; one batch normalization, over the sum."""
    layers = build((8, 5, 8), 8).layers
    kernels = {layer.name: layer.get_weights()[0].shape for layer in layers if "Conv" in type(layer).__name__}
    assert kernels == {
        **{f"block_frequency{i}": (3, 1, 2, 1) for i in (2, 3, 4)},
        **{f"block_time{i}": (1, 3, 2, 1) for i in (2, 3, 4)},
        "block_pointwise": (1, 1, 8, 8),
    }
    assert (
        sum(np.prod(weight.shape) for layer in layers for weight in layer.trainable_weights) == 18 + 48 + 18 + 64 + 16
    )


def test_dropout_drops_whole_channels_of_the_one_d_branch():
    dropout = build((8, 5, 16), 16, dropout=0.5).get_layer("block_dropout")
    outputs = dropout(np.ones((4, 1, 5, 16), np.float32), training=True).numpy()
    assert (outputs == outputs[:, :, :1]).all() and set(np.unique(outputs)) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 10}, "channels is 10; expected a multiple of scale = 4"),
        ({"channels": 8, "scale": 1}, "scale is 1; expected 2"),
        ({"channels": 8, "sub_bands": 3}, "got 8 frequency bins; expected a multiple of sub_bands = 3"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build((8, 5, 8), **arguments)
