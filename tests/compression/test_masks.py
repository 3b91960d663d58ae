"""Which weights are kept: exact numbers, the largest, none that does nothing."""

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.compression.connectivity import Connectivity, idle_weights
from asc_tf.compression.kernels import kernels
from asc_tf.compression.masks import connected_masks, global_masks, layer_masks
from asc_tf.compression.pruning import prune, strip_pruning
from asc_tf.models import bc_res2net, bc_resnet_asc, cp_mobile, ensemble
from asc_tf.training.seeding import set_seed


@pytest.fixture(scope="module")
def asc_8():
    set_seed(0)
    return bc_resnet_asc((32, 34, 1), width=80)


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "kept", "floor"), [(0.89, 33_035, 0.0), (0.84, 48_051, 0.02), (0.89, 33_035, 0.1)])
def test_kept_weights_are_those_of_the_papers_account(asc_8, ratio, kept, floor):
    masks = connected_masks(asc_8, ratio, floor)
    assert sum(mask.size for mask in masks) == 300_320
    assert sum(mask.sum() for mask in masks) == kept
    assert min(mask.sum() / (floor * mask.size) for mask in masks) >= 1 if floor else True


def test_the_largest_stay_wherever_they_are():
    arrays = [np.array([[0.1, 0.9], [0.5, 0.3]]), np.array([0.8, 0.2, 0.05, 0.04])]
    first, second = global_masks(arrays, 0.5)
    np.testing.assert_array_equal(first, [[0, 1], [1, 1]])
    np.testing.assert_array_equal(second, [1, 0, 0, 0])
    first, second = global_masks(arrays, 0.5, floor=0.5)
    np.testing.assert_array_equal(first, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(second, [1, 1, 0, 0])
    assert [mask.sum() for mask in global_masks([1e-3 * np.ones(80), np.ones(100)], 0.6, floor=0.3)] == [24, 48]
    assert [mask.sum() for mask in layer_masks([-array for array in arrays], 0.7)] == [1, 1]


def test_of_equal_sizes_the_first_stay_and_negative_ones_never():
    masks = global_masks([np.ones((2, 3)), np.ones(4)], 0.3)
    assert [mask.sum() for mask in masks] == [6, 1]
    assert masks[1][0] == 1
    assert [mask.sum() for mask in global_masks([-np.ones((2, 3)), np.ones(4)], 0.3)] == [0, 4]


def linear_network():
    """Two ways from input to output."""
    inputs = keras.Input((4, 5, 1))
    x = keras.layers.Conv2D(3, (3, 1), padding="same", use_bias=False, name="first")(inputs)
    y = keras.layers.DepthwiseConv2D((1, 3), use_bias=False, name="depthwise")(x)
    y = keras.layers.Conv2D(3, 1, use_bias=False, name="pointwise")(y)
    y = keras.layers.Add()([y, keras.layers.Cropping2D((0, 1))(x)])
    y = keras.layers.BatchNormalization()(y)
    return keras.Model(inputs, keras.layers.Dense(2, use_bias=False, name="dense")(keras.layers.Flatten()(y)))


def test_a_weight_is_connected_where_changing_it_changes_what_the_input_does():
    """Against changing every single weight: in a linear network the difference of two outputs is all there is."""
    set_seed(0)
    rng = np.random.default_rng(0)
    model = linear_network()
    variables = list(kernels(model).values())
    masks = [rng.uniform(size=variable.shape) < 0.3 for variable in variables]
    one, other = (rng.normal(size=(1, 4, 5, 1)).astype(np.float32) for _ in range(2))

    def reaction():
        return (model(one) - model(other)).numpy()

    for variable, mask in zip(variables, masks, strict=True):
        variable.assign(rng.uniform(0.5, 1, variable.shape) * mask)
    before = reaction()
    connected = Connectivity(model).connected(masks)
    assert 0 < sum(array.sum() for array in connected) < sum(array.size for array in connected)
    for variable, found in zip(variables, connected, strict=True):
        kept = variable.numpy()
        for index in np.ndindex(kept.shape):
            changed = kept.copy()
            changed[index] += 1
            variable.assign(changed)
            assert found[index] == (np.abs(reaction() - before).max() > 1e-6), (variable.name, index)
        variable.assign(kept)


@pytest.mark.parametrize(
    "model",
    [
        lambda: bc_resnet_asc((16, 20, 1), width=8, sub_bands=2, depth=(1, 1, 1, 1)),
        pytest.param(
            lambda: bc_res2net((64, 64, 1), width=16, scale=2, mfa=True, fpm=True, depth=(1, 1, 1, 1)),
            marks=pytest.mark.slow,
        ),
        lambda: ensemble([cp_mobile((16, 20, 1), width=8, depth=(1,)) for _ in range(2)]),
    ],
    ids=["bc-resnet-asc", "bc-res2net", "ensemble"],
)
def test_all_that_is_kept_is_connected(model):
    set_seed(0)
    model = model()
    connectivity = Connectivity(model)
    everything = [np.ones(kernel.shape) for kernel in kernels(model).values()]
    assert all(found.all() for found in connectivity.connected(everything))
    masks = connected_masks(model, 0.89)
    assert sum(mask.sum() for mask in masks) == round(0.11 * sum(mask.size for mask in masks))
    assert all((mask <= found).all() for mask, found in zip(masks, connectivity.connected(masks), strict=True))


def test_every_channel_of_a_depthwise_kernel_keeps_its_largest_weight():
    set_seed(0)
    model = bc_resnet_asc((16, 20, 1), width=8, sub_bands=2, depth=(1, 1, 1, 1))
    for name, kernel in kernels(model).items():
        kernel.assign(kernel * (1e-3 if name.endswith("_frequency") else 10 if name == "stem" else 1))
    for (name, kernel), mask in zip(kernels(model).items(), connected_masks(model, 0.6), strict=True):
        if name.endswith("_frequency"):
            np.testing.assert_array_equal(mask[:, 0, :, 0].sum(axis=0), 1)
            kept = (mask * np.abs(kernel)).max(axis=(0, 1, 3))
            np.testing.assert_array_equal(kept, np.abs(kernel).max(axis=(0, 1, 3)))


@pytest.mark.slow
def test_a_plain_threshold_keeps_idle_weights():
    set_seed(0)
    model = bc_resnet_asc((16, 20, 1), width=8, sub_bands=2, depth=(2, 1, 1, 1))
    kept = {scope: strip_pruning(prune(model, 0.89, scope)) for scope in ("connected", "global")}
    total = sum(np.count_nonzero(kernel) for kernel in kernels(kept["global"]).values())
    assert idle_weights(model) == idle_weights(kept["connected"]) == 0
    assert total / 10 < idle_weights(kept["global"]) < total
