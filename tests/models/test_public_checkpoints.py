import functools

import numpy as np
import pytest
from torch_files import drawn_tensors

from asc_tf.errors import AscError
from asc_tf.experiment.named_networks import PUBLIC_RECIPES
from asc_tf.internals.torch_checkpoint import read_checkpoint
from asc_tf.models import cp_mobile_2023, tf_sepnet
from asc_tf.models.public_checkpoints import PUBLIC_NETWORKS, load_public_weights

BUILDERS = {"cp-mobile-2023": cp_mobile_2023, "tf-sepnet": tf_sepnet}


@functools.cache
def small(network):
    """One for all tests: each begins with the tensors that it loads."""
    return BUILDERS[network]((32, 32, 1), 3, width=8)


@pytest.fixture(params=BUILDERS)
def network(request):
    return request.param


@pytest.fixture
def model(network):
    return small(network)


def test_each_weight_comes_from_one_tensor(model, network):
    tensors = drawn_tensors(model, network)
    load_public_weights(model, network, {**tensors, "mel.window": np.zeros(3)}, "a.ckpt")
    first = PUBLIC_NETWORKS[network].prefix + dict(PUBLIC_NETWORKS[network].names())["stem1"]
    np.testing.assert_array_equal(model.get_layer("stem1").kernel[..., 0, 1], tensors[f"{first}.weight"][1, 0])
    given = sorted(float(value.sum()) for name, value in tensors.items() if not name.endswith("tracked"))
    np.testing.assert_allclose(sorted(float(weight.numpy().sum()) for weight in model.weights), given, rtol=1e-5)


def test_each_network_with_a_map_of_tensors_has_a_recipe():
    assert PUBLIC_RECIPES.keys() == PUBLIC_NETWORKS.keys()


def test_a_convolution_in_groups_keeps_the_order_of_its_outputs():
    model = small("tf-sepnet")
    tensors = drawn_tensors(model, "tf-sepnet")
    load_public_weights(model, "tf-sepnet", tensors, "a.ckpt")
    kernel = tensors["backbone.conv_layers.1._conv.weight"]
    for output in range(len(kernel)):
        found = model.get_layer("stem2").depthwise_kernel[..., output // 4, output % 4]
        np.testing.assert_array_equal(found, kernel[output, 0])


def test_other_tensors_are_named_and_nothing_is_loaded(model, network):
    tensors = drawn_tensors(model, network)
    prefix, before = PUBLIC_NETWORKS[network].prefix, model.get_weights()
    some = next(name for name in tensors if name.endswith("weight") and tensors[name].ndim == 4)
    bad = np.full(tensors[some].shape, np.nan, np.float32)
    for changed, message in (
        ({name: value for name, value in tensors.items() if name != some}, f"a.ckpt: has no tensor {some}; expected"),
        ({**tensors, some: tensors[some][1:]}, f"a.ckpt: tensor {some} has shape .*; expected"),
        ({**tensors, some: bad}, f"a.ckpt: tensor {some} holds numbers that are not finite"),
        (
            {**tensors, f"{prefix}more.weight": bad},
            f"holds tensors that {network} does not have .1, such as {prefix}more",
        ),
        ({"other": bad}, f"a.ckpt: has no tensor {prefix}"),
    ):
        with pytest.raises(AscError, match=message):
            load_public_weights(model, network, changed, "a.ckpt")
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("network", "file"), [("cp-mobile-2023", "cp_mobile_dcase23"), ("tf-sepnet", "tf_sepnet_64_dcase25")]
)
def test_logits_are_those_of_the_authors_code(network, file, shared):
    model = BUILDERS[network]()
    tensors = read_checkpoint(shared / "checkpoints" / f"{file}.ckpt").tensors
    load_public_weights(model, network, tensors, file)
    reference = np.load(shared / "checkpoints" / f"{file}_reference.npz")
    logits = model(reference["features"][..., np.newaxis])
    np.testing.assert_allclose(logits, reference["logits"], atol=1e-3)
