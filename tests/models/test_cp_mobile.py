import numpy as np
import pytest
import tf_keras as keras
from model_checks import check_network, convolution_macs, trainable_parameters

from asc_tf.models import cp_mobile
from asc_tf.training.seeding import set_seed

# The DCASE 2024 baseline's own account, in the order of its layers.
PUBLISHED_PARAMETERS = [88, 2368]
PUBLISHED_PARAMETERS += 3 * [2176, 704, 2112]
PUBLISHED_PARAMETERS += [2176, 704, 3696, 6960, 1320, 6832, 6960, 1320, 12688, 1060]
PUBLISHED_MACS = 29_419_156


@pytest.fixture(scope="module")
def baseline():
    """Of the features that the baseline has."""
    return cp_mobile((256, 65, 1))


@pytest.fixture(scope="module")
def narrow():
    return cp_mobile((128, 40, 1), 3, width=8)


def test_parameters_are_the_baselines_layer_by_layer(baseline):
    model = baseline
    sizes = [sum(weight.numpy().size for weight in layer.trainable_weights) for layer in model.layers]
    names = [type(layer).__name__ for layer in model.layers]
    convolutions = [i for i, name in enumerate(names) if "Conv" in name]
    assert [sizes[i] + sizes[i + 1] for i in convolutions] == PUBLISHED_PARAMETERS
    assert trainable_parameters(model) == sum(PUBLISHED_PARAMETERS) == 61_148


def test_macs_are_the_baselines_which_count_one_for_each_weight_of_a_normalization(baseline):
    model = baseline
    normalizations = trainable_parameters(model) - sum(
        layer.get_weights()[0].size for layer in model.layers if "Conv" in type(layer).__name__
    )
    assert (convolution_macs(model), normalizations) == (29_416_448, 2_708)
    assert convolution_macs(model) + normalizations == PUBLISHED_MACS


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("baseline", [(64, 17, 32), (64, 9, 32), (32, 9, 56), (32, 9, 104)]),
        ("narrow", [(32, 10, 8), (32, 5, 8), (16, 5, 16), (16, 5, 24)]),
    ],
)
def test_stages_have_the_baselines_shapes(network, expected, request):
    model = request.getfixturevalue(network)
    names = ("stem2", "stage1_block3_relu", "stage2_block2_relu", "stage3_block1_relu")
    assert [model.get_layer(name).output.shape[1:] for name in names] == expected
    assert model.output_shape == (None, 10 if network == "baseline" else 3)


def test_channels_are_rounded_to_multiples_of_8_by_less_than_a_tenth_downwards():
    model = cp_mobile((32, 16, 1), width=8, multiplier=1.5, expansion=2.3)
    found = {name: model.get_layer(name).filters for name in ("stage2_block1_project", "stage1_block1_expand")}
    assert found == {"stage2_block1_project": 16, "stage1_block1_expand": 24}  # 12 and 18.4, which 16 undercuts by 13 %


def test_identity_is_added_where_channels_stay_and_averaged_where_time_is_halved(baseline):
    names = {layer.name for layer in baseline.layers}
    identities = {name for name in names if name.endswith("_identity")}
    assert identities == {
        f"{block}_identity" for block in ("stage1_block1", "stage1_block2", "stage1_block3", "stage2_block2")
    }
    assert {name for name in names if name.endswith("_pool")} == {"stage1_block3_pool"}


def test_logits_are_the_mean_of_the_normalized_classifiers_map(narrow):
    model = narrow
    features = np.random.default_rng(0).normal(size=(2, 128, 40, 1)).astype(np.float32)
    maps = keras.Model(model.input, model.get_layer("classifier_bn").output)(features).numpy()
    np.testing.assert_allclose(model(features), maps.mean(axis=(1, 2)), atol=1e-6)


@pytest.mark.slow
def test_network_trains_saves_and_compresses(tmp_path):
    set_seed(0)
    check_network(cp_mobile((48, 33, 1), 3, width=8, depth=(2, 1, 1), feature_mean=1.0, feature_std=2.0), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 12}, "width is 12; expected a multiple of 8 channels"),
        ({"width": 0}, "width is 0"),
        ({"multiplier": 0.0}, "multiplier is 0.0 and expansion 2.1"),
        ({"expansion": -1.0}, "expansion -1.0; expected positive numbers"),
        ({"depth": (3, 0)}, r"depth is \(3, 0\); expected one or more blocks in each stage"),
        ({"depth": ()}, r"depth is \(\)"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        cp_mobile(**arguments)
