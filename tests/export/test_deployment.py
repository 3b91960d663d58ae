import numpy as np
import pytest
import tf_keras as keras
from small_networks import NETWORKS, QUICK_AND_SLOW, features_for, unsettled, unsettled_network

from asc_tf.export.deployment import deployment_graph
from asc_tf.export.deployment_layers import BandedDepthwiseConv2D, SpaceToDepthConv2D, space_to_depth_weights
from asc_tf.layers import SubSpectralNormalization


def kinds(model):
    return {layer.name: type(layer).__name__ for layer in model.layers}


@pytest.fixture(params=QUICK_AND_SLOW, scope="module")
def network(request):
    return unsettled_network(request.param)


def test_the_deployment_graph_computes_the_same_logits_and_leaves_the_network_alone(network):
    features = features_for(network, 4)
    before = [weight.numpy() for weight in network.weights]
    expected = network(features, training=False).numpy()
    assert np.ptp(expected, axis=0).min() > 0.01
    for space_to_depth in (False, True):
        graph = deployment_graph(network, space_to_depth)
        np.testing.assert_allclose(graph(features, training=False).numpy(), expected, rtol=0, atol=1e-4)
    for weight, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


@pytest.mark.slow
def test_in_bc_resnet_asc_no_normalization_with_weights_is_left():
    network = NETWORKS["asc"]()
    graph = deployment_graph(network, space_to_depth=True)
    left = set(kinds(graph).values())
    assert {"BandedDepthwiseConv2D", "SpaceToDepthConv2D", "ResidualNormalization"} <= left
    assert not left & {"BatchNormalization", "SubSpectralNormalization", "SpatialDropout2D"}
    assert kinds(graph).keys() == kinds(network).keys()
    assert deployment_graph(network).count_params() < network.count_params()


def test_what_cannot_be_folded_stays():
    graph = kinds(deployment_graph(NETWORKS["plain"]()))
    folded = {name for name in graph if name.endswith("_bn") and graph[name] == "Activation"}
    assert folded == {"biased_bn", "multiplied_bn"}
    # A depthwise convolution that strides over frequency is four sub-bands' in no simple way.
    graph = kinds(deployment_graph(NETWORKS["resnet"]()))
    assert graph["stage2_block1_ssn"] == "SubSpectralNormalization" and graph["stage2_block1_frequency"] != "Activation"
    assert graph["stage1_block1_ssn"] == "Activation"


def test_a_convolution_whose_map_is_an_output_itself_is_not_folded():
    inputs = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(3, 1)(inputs)
    network = unsettled(keras.Model(inputs, [x, keras.layers.BatchNormalization()(x)]))
    features = features_for(network, 2)
    for found, expected in zip(deployment_graph(network)(features), network(features), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize("sizes", [(16, 34), (16, 33), (17, 36), (17, 35)])
def test_space_to_depth_is_the_strided_convolution_for_even_and_odd_sizes(sizes, pairs):
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(5, 5, 1, 3)).astype(np.float32)
    x = generator.normal(size=(2, *sizes, 1)).astype(np.float32)
    bias = generator.normal(size=3).astype(np.float32)
    plain, blocks = keras.layers.Conv2D(3, 5, 2, "same", activation="relu"), SpaceToDepthConv2D(3, "relu", pairs)
    plain.build(x.shape), blocks.build(x.shape)
    plain.set_weights([kernel, bias])
    blocks.set_weights(space_to_depth_weights(kernel, bias, sizes, pairs))
    np.testing.assert_allclose(blocks(x), plain(x), atol=1e-5)


@pytest.mark.parametrize("kernel_size", [(3, 1), (3, 3), (1, 5)])
def test_bands_see_their_neighbours_rows(kernel_size):
    x = np.random.default_rng(0).normal(size=(2, 12, 7, 3)).astype(np.float32)
    inputs = keras.Input(x.shape[1:])
    y = keras.layers.DepthwiseConv2D(kernel_size, padding="same", name="depthwise")(inputs)
    network = unsettled(keras.Model(inputs, SubSpectralNormalization(4)(y)))
    graph = deployment_graph(network)
    assert isinstance(graph.get_layer("depthwise"), BandedDepthwiseConv2D)
    np.testing.assert_allclose(graph(x), network(x), atol=1e-5)


def test_bands_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="kernel_size is .2, 1.; expected odd sizes"):
        BandedDepthwiseConv2D(4, (2, 1))
    with pytest.raises(ValueError, match="got 10 frequency bins; expected a multiple of 4"):
        BandedDepthwiseConv2D(4, (3, 1))(keras.Input((10, 5, 2)))
