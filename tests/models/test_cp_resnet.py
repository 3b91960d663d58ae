import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from model_checks import check_network, trainable_parameters
from small_networks import of_fewer_blocks

from asc_tf.models import cp_resnet
from asc_tf.models.cp_resnet import receptive_field
from asc_tf.training.seeding import set_seed


def kernels(model):
    """Sides of the kernels in the blocks' two paths, stage by stage, as "first·second" of each block."""
    return [
        [
            "·".join(str(model.get_layer(f"stage{stage}_block{block}_conv{k}").kernel_size[0]) for k in (1, 2))
            for block in (1, 2, 3, 4)
        ]
        for stage in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def of_rho():
    """Function from rho to the network; that of 5 is as wide and large as the published one. Do not change it."""
    sizes = {5: {"input_shape": (256, 334, 1), "classes": 10, "width": 64}}
    smallest = {"input_shape": (16, 16, 1), "width": 1}
    return functools.cache(lambda rho: cp_resnet(rho=rho, **sizes.get(rho, smallest)))


@pytest.fixture(scope="module")
def narrow():
    """Of one class, for what is measured."""
    return cp_resnet((128, 160, 1), 1, width=2, rho=5)


def test_parameters_are_the_published_ones(of_rho):
    """896,980 for one channel of features, 898,580 for two."""
    model = of_rho(5)
    assert trainable_parameters(model) == 896_980
    assert trainable_parameters(model) + model.get_layer("stem").kernel.shape.num_elements() == 898_580


@pytest.mark.parametrize(("frequency", "time", "width"), [(256, 334, 64), (128, 160, 2)])
def test_stages_have_their_shapes(of_rho, narrow, frequency, time, width):
    model = of_rho(5) if width == 64 else narrow
    names = ("stem", "stage1_block4_pool", "stage2_block4_relu", "stage3_block4_relu")
    small = (frequency // 16, time // 16)
    shapes = [model.get_layer(name).output.shape[1:] for name in names]
    assert shapes == [(frequency // 2, time // 2, width), *((*small, factor * width) for factor in (1, 2, 4))]
    assert model.output_shape == (None, 10 if width == 64 else 1)


@pytest.mark.parametrize(
    ("rho", "expected"),
    [
        (0, [["3·1", "1·1", "1·1", "1·1"], ["1·1"] * 4, ["1·1"] * 4]),
        (5, [["3·1", "3·3", "3·3", "3·1"], ["1·1"] * 4, ["1·1"] * 4]),
        (7, [["3·1", "3·3", "3·3", "3·3"], ["3·1", "1·1", "1·1", "1·1"], ["1·1"] * 4]),
        (12, [["3·1", "3·3", "3·3", "3·3"], ["3·3", "3·3", "3·3", "1·1"], ["1·1"] * 4]),
        (22, [["3·1", "3·3", "3·3", "3·3"], ["3·3"] * 4, ["3·3"] * 4]),
    ],
)
def test_rho_says_how_many_kernels_are_3x3(of_rho, rho, expected):
    assert kernels(of_rho(rho)) == expected


# Koutini et al., EUSIPCO 2019: the receptive fields of their networks.
SIDES = {0: 23, 1: 31, 2: 39, 3: 55, 4: 71, 5: 87, 6: 103, 7: 135, 8: 167, 12: 295, 22: 615}


def test_receptive_fields_are_the_published_ones():
    assert {rho: receptive_field(rho) for rho in SIDES} == SIDES


@pytest.mark.parametrize(
    "rho", [rho if rho in (0, 5, 7, 12, 22) else pytest.param(rho, marks=pytest.mark.slow) for rho in SIDES]
)
def test_receptive_field_is_that_of_the_layers(of_rho, rho):
    seen, stride = 1, 1
    for layer in of_rho(rho).layers:
        kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", (1, 1))
        seen += (kernel[0] - 1) * stride
        stride *= getattr(layer, "strides", (1, 1))[0]
    assert seen == receptive_field(rho)


def test_the_classifiers_map_sees_the_receptive_field_and_no_further(narrow):
    """Kernels are positive, so that nothing cancels; clips are many, so that max-pooling takes each side somewhere."""
    for layer in narrow.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([np.abs(weight) + 0.1 for weight in layer.get_weights()])
    maps = keras.Model(narrow.input, narrow.get_layer("classifier").output)
    features = tf.constant(np.random.default_rng(0).uniform(1, 2, (16, 128, 160, 1)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(features)
        centre = tf.reduce_sum(maps(features)[:, 3, 5])
    seen = np.abs(tape.gradient(centre, features).numpy()).sum(axis=(0, 3)) > 0
    for axis in (0, 1):
        places = np.flatnonzero(seen.any(axis=axis))
        assert 80 < places[-1] - places[0] + 1 <= receptive_field(5) == 87


def test_logits_are_the_mean_of_the_normalized_classifiers_map():
    model = cp_resnet((32, 48, 1), 3, width=2)
    features = np.random.default_rng(0).normal(size=(2, 32, 48, 1)).astype(np.float32)
    maps = keras.Model(model.input, model.get_layer("classifier_bn").output)(features).numpy()
    assert maps.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(model(features), maps.mean(axis=(1, 2)), atol=1e-6)


@pytest.mark.slow
def test_network_trains_saves_and_compresses(tmp_path):
    set_seed(0)
    settings = {"input_shape": (32, 48, 2), "classes": 3, "width": 8, "feature_mean": 1.0, "feature_std": 2.0}
    check_network(of_fewer_blocks(cp_resnet, 2, **settings), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rho": -1}, "rho is -1; expected a whole number from 0 to 22"),
        ({"rho": 23}, "rho is 23"),
        ({"rho": 2.5}, "rho is 2.5"),
        ({"width": 0}, "width is 0; expected 1 or more channels"),
        ({"feature_std": -1.0}, "feature_std is -1.0"),
        ({"input_shape": (256, 15, 1)}, "at least 16 frequency bins and 16 frames"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        cp_resnet(**arguments)


def test_the_receptive_field_of_an_impossible_rho_is_refused():
    with pytest.raises(ValueError, match="rho is 23"):
        receptive_field(23)
