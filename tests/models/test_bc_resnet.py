import functools

import numpy as np
import pytest
import tf_keras as keras
from model_checks import check_network, trainable_parameters

from asc_tf.layers import ResidualNormalization, SubSpectralNormalization
from asc_tf.models import bc_resnet
from asc_tf.training.seeding import set_seed


@pytest.fixture(scope="module")
def scenes():
    """BC-ResNet-8 of 256 mel bins, 10 classes, 4 sub-bands. Do not change it."""
    return bc_resnet((256, 32, 1), 10, width=64, sub_bands=4)


@pytest.fixture(scope="module")
def keywords():
    """BC-ResNet-1 of 1 s: 40 mel bins, 12 classes, 5 sub-bands. Do not change it."""
    return bc_resnet((40, 101, 1), 12, width=8, sub_bands=5)


@pytest.fixture(scope="module")
def small():
    """Function from settings to a network with one block a stage. Do not change it."""
    return functools.cache(lambda **settings: bc_resnet((64, 12, 1), 3, width=2, depth=(1, 1, 1, 1), **settings))


def test_parameters_are_the_published_ones(scenes):
    assert trainable_parameters(scenes) == 317_610


def test_parameters_of_the_keyword_spotting_networks_are_the_published_ones(scenes, keywords):
    """Interspeech 2021, table 2, to the digits printed. The number is quadratic in k, and the biases of 12 classes are
    left at k = 0: two networks give all five."""
    norms = [layer for layer in scenes.layers if isinstance(layer, SubSpectralNormalization)]
    sub_band = sum(np.prod(weight.shape) for layer in norms for weight in layer.trainable_weights) / 4
    two_classes = 2 * (4 * 64 + 1)
    counts = {0: 12, 1: trainable_parameters(keywords), 8: trainable_parameters(scenes) + sub_band + two_classes}
    polynomial = np.polyfit(list(counts), list(counts.values()), deg=2)
    for k, published in ((1, 9_200), (2, 27_300), (3, 54_200), (6, 188_000), (8, 321_000)):
        assert round(np.polyval(polynomial, k), -2 if k < 6 else -3) == published, k


@pytest.mark.parametrize("network", ["scenes", "keywords"])
def test_stages_have_the_shapes_of_table_1(network, request):
    model = request.getfixturevalue(network)
    _, frequency, time, _ = model.input_shape
    c = 64 if network == "scenes" else 8
    names = (
        "stem",
        "stage1_block2_relu",
        "stage2_block2_relu",
        "stage3_block4_relu",
        "stage4_block4_relu",
        "head_relu",
    )
    assert [model.get_layer(name).output.shape[1:] for name in names] == [
        (frequency // 2, time, 2 * c),
        (frequency // 2, time, c),
        (frequency // 4, time, c * 3 // 2),
        (frequency // 8, time, 2 * c),
        (frequency // 8, time, c * 5 // 2),
        (frequency // 8 - 4, time, 4 * c),
    ]
    assert model.output_shape == (None, 10 if network == "scenes" else 12)


def test_dilation_over_time_doubles_from_stage_to_stage(small):
    dilations = [small().get_layer(f"stage{stage}_block1_time").dilation_rate for stage in (1, 2, 3, 4)]
    assert dilations == [(1, 1), (1, 2), (1, 4), (1, 8)]


def lambdas(model):
    """Sizes of the weights of the residual normalizations."""
    return [int(np.prod(weight.shape)) for weight in model.trainable_weights if "lambda" in weight.name]


@pytest.mark.parametrize(
    ("settings", "count"),
    [({}, 0), ({"norm_position": "input"}, 1), ({"norm_position": "all", "learnable_lambda": "bin"}, 5)],
)
def test_number_of_residual_normalizations(small, settings, count):
    model = small(**settings)
    assert sum(isinstance(layer, ResidualNormalization) for layer in model.layers) == count
    assert len(lambdas(model)) == (count if "learnable_lambda" in settings else 0)


def test_one_lambda_a_bin_at_the_input_and_after_each_stage(small):
    assert lambdas(small(norm_position="all", learnable_lambda="bin")) == [64, 32, 16, 8, 8]


def test_logits_are_the_classifier_of_the_mean_over_frequency_and_time(small):
    model = small()
    features = np.random.default_rng(0).normal(size=(2, 64, 12, 1)).astype(np.float32)
    head = keras.Model(model.input, model.get_layer("head_relu").output)(features).numpy()
    kernel, bias = model.get_layer("classifier").get_weights()
    np.testing.assert_allclose(model(features), head.mean(axis=(1, 2)) @ kernel[0, 0] + bias, atol=1e-5)


@pytest.mark.slow
def test_network_trains_saves_and_compresses(tmp_path):
    set_seed(0)
    model = bc_resnet(
        (64, 12, 1),
        3,
        width=4,
        depth=(2, 1, 1, 1),
        norm_position="input",
        dropout=0.0,
        feature_mean=1.0,
        feature_std=2.0,
    )
    check_network(model, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norm_position": "both"}, "norm_position is 'both'; expected one of none, input, all"),
        ({"width": 7}, "width is 7; expected an even number"),
        ({"width": 0}, "width is 0"),
        ({"depth": (2, 2)}, r"depth is \(2, 2\); expected the number of blocks of each of 4 stages"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
        ({"input_shape": (32, 20, 1)}, "at least 33 frequency bins"),
        ({"input_shape": (40, 20, 1), "sub_bands": 3}, "expected a multiple of sub_bands = 3"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bc_resnet(**arguments)
