import pytest
from model_checks import check_network, trainable_parameters

from asc_tf.layers import GlobalResponseNormalization
from asc_tf.models import cp_mobile_2023
from asc_tf.training.seeding import set_seed


def test_parameters_and_shapes_are_those_of_the_public_network():
    model = cp_mobile_2023()
    assert trainable_parameters(model) == 126_952
    names = ("stem2", "stage1_block1_relu", "stage1_block3_relu", "stage2_block5_relu", "stage3_block6_relu")
    found = [model.get_layer(name).output.shape[1:] for name in names]
    assert found == [(64, 16, 32), (64, 16, 32), (32, 8, 32), (16, 8, 72), (16, 8, 168)]
    assert sum(isinstance(layer, GlobalResponseNormalization) for layer in model.layers) == 6
    identities = {layer.name for layer in model.layers if layer.name.endswith("_identity")}
    assert identities == {f"{block}_identity" for block in (
        "stage1_block1", "stage1_block2", "stage1_block3", "stage2_block5")}  # fmt: skip


@pytest.mark.slow
def test_network_trains_saves_and_compresses(tmp_path):
    set_seed(0)
    check_network(cp_mobile_2023((32, 33, 1), 3, width=8, feature_mean=1.0, feature_std=2.0), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 12}, "width is 12; expected a multiple of 8 channels"),
        ({"expansion": -1.0}, "multiplier is 2.3 and expansion -1.0; expected positive numbers"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        cp_mobile_2023(**arguments)
