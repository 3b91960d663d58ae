import numpy as np
import pytest
import tf_keras as keras
from model_checks import check_network, trainable_parameters
from small_networks import of_fewer_blocks

from asc_tf.layers import AdaptiveResidualNormalization, ResidualNormalization
from asc_tf.models import tf_sepnet
from asc_tf.training.seeding import set_seed


def test_parameters_and_shapes_are_those_of_the_public_network():
    model = tf_sepnet()
    assert trainable_parameters(model) == 126_858
    names = ("stem1", "stem2", "stage1_block2_joined", "stage2_block2_joined", "stage3_block2_joined", "stage4_resnorm")
    found = [model.get_layer(name).output.shape[1:] for name in names]
    assert found == [(256, 32, 32), (128, 16, 128), (128, 16, 64), (64, 8, 96), (32, 4, 128), (16, 2, 160)]
    norms = [layer for layer in model.layers if isinstance(layer, ResidualNormalization)]
    assert [(layer.lambda_, layer.unbiased) for layer in norms] == [(0.1, True)] * 5


def test_a_block_adds_to_each_half_what_was_averaged_over_its_axis():
    set_seed(0)
    model = tf_sepnet((32, 32, 1), 3, width=8)
    block = "stage1_block2"
    names = [f"{block}_split", f"{block}_frequency_pointwise_relu", f"{block}_time_pointwise_relu", f"{block}_joined"]
    maps = keras.Model(model.input, [model.get_layer(name).output for name in names])
    features = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    (first, second), by_frequency, by_time, joined = maps(features)
    assert by_frequency.shape[1:3] == (1, 8) and by_time.shape[1:3] == (8, 1)
    np.testing.assert_allclose(joined, np.concatenate([first + by_frequency, second + by_time], axis=3), atol=1e-6)


@pytest.mark.slow
def test_network_trains_saves_and_compresses(tmp_path):
    """With the normalization that no other network has."""
    set_seed(0)
    settings = {"input_shape": (33, 34, 1), "classes": 3, "width": 8, "feature_mean": 1.0, "feature_std": 2.0}
    model = of_fewer_blocks(tf_sepnet, (2, 1, 1, 1), norm="adaresnorm", **settings)
    assert sum(isinstance(layer, AdaptiveResidualNormalization) for layer in model.layers) == 5
    check_network(model, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 6}, "width is 6; expected a multiple of 4 channels"),
        ({"input_shape": (256, 31, 1)}, "expected 32 bins and 32 frames or more"),
        ({"norm": "batch"}, "norm is 'batch'; expected one of resnorm"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tf_sepnet(**arguments)
