"""The graph with the least memory: sub-bands as products and sums, the first stage slab by slab."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.export.deployment import deployment_graph
from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D, binwise_weights
from asc_tf.export.memory_plan import with_memory_plan
from asc_tf.export.shrinking import shrunk
from asc_tf.export.slabs import SlabbedNetwork, possible_numbers
from asc_tf.export.tflite import network_file
from asc_tf.layers import SubSpectralNormalization
from asc_tf.micro.arena import measured_arena
from asc_tf.models import NETWORKS


def network(shape, name="bc-resnet-asc", **settings):
    """A network with normalizations as after a training."""
    model = NETWORKS[name](input_shape=shape, classes=10, **settings)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if any(part in weight.name for part in ("gamma", "variance")):
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        elif any(part in weight.name for part in ("beta", "moving_mean")):
            weight.assign(generator.normal(0, 0.3, weight.shape))
    return model


def features(shape, clips):
    generator = np.random.default_rng(1)
    level = generator.standard_normal((clips, shape[0], 1, 1))
    return (level + 0.5 * generator.standard_normal((clips, *shape))).astype(np.float32)


def of_least_memory(model):
    return deployment_graph(model, space_to_depth=True, binwise=True)


@pytest.mark.parametrize("frames", [33, *(pytest.param(frames, marks=pytest.mark.slow) for frames in (32, 34))])
def test_slabs_give_what_the_network_gives(frames):
    shape = (32, frames, 1)
    model = network(shape, width=4, depth=(2, 1, 1, 1), sub_bands=2)
    graph, x = of_least_memory(model), tf.constant(features(shape, 1))
    expected = model(x).numpy()
    assert possible_numbers(graph) == [2, 4]
    for slabs in (1, 2, 4):
        np.testing.assert_allclose(SlabbedNetwork(graph, slabs)(x), expected, atol=1e-5 * np.ptp(expected))


def test_slabs_go_through_chains_of_sub_maps():
    shape = (32, 32, 1)
    model = network(shape, "bc-res2net", width=4, scale=2, depth=(1, 1, 1, 1), sub_bands=2, mfa=True, fpm=False)
    graph, x = of_least_memory(model), tf.constant(features(shape, 1))
    expected = model(x).numpy()
    np.testing.assert_allclose(SlabbedNetwork(graph, 4)(x), expected, atol=1e-5 * np.ptp(expected))


@pytest.mark.slow
def test_networks_of_other_blocks_run_as_they_are():
    shape = (16, 32, 1)
    model = network(shape, "cp-mobile", width=8)
    slabbed = SlabbedNetwork(of_least_memory(model))
    x = tf.constant(features(shape, 1))
    assert slabbed.slabs == 1
    np.testing.assert_allclose(slabbed(x), model(x), atol=1e-5)


def test_a_band_by_band_convolution_is_a_product_and_a_sum():
    """And each band by itself is one convolution."""
    inputs = keras.Input((12, 5, 3))
    y = keras.layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False)(inputs)
    model = keras.Model(inputs, SubSpectralNormalization(4)(y))
    scale = np.random.default_rng(0).normal(0, 1, (4, 3))  # of both signs
    scale[:, 1] = 0
    model.layers[-1].gamma.assign(scale)
    model.layers[-1].beta.assign(np.random.default_rng(1).normal(0, 1, (4, 3)))
    graph, x = deployment_graph(model, binwise=True), tf.constant(features((12, 5, 3), 2))
    layer = next(layer for layer in graph.layers if isinstance(layer, BinwiseDepthwiseConv2D))
    np.testing.assert_allclose(graph(x), model(x), atol=1e-5)
    kernel, bias = layer.band_weights(1)
    band = sum(x.numpy()[:, 2 + tap : 5 + tap] * kernel[tap, 0, :, 0] for tap in range(3)) + bias
    np.testing.assert_allclose(band, model(x)[:, 3:6], atol=1e-5)
    assert np.abs(layer.scale).max() <= 1


def test_little_is_left_for_the_offsets_that_share_a_step():
    kernel, bias = np.ones((3, 1, 2, 1)), np.zeros(2)
    scale = np.array([[2.0, -1.0], [1.0, 3.0]])
    _, _, rest, offset = binwise_weights(kernel, bias, scale, 5 * scale)
    np.testing.assert_allclose(offset, 0, atol=1e-12)
    assert np.abs(rest).max() == 1


@pytest.mark.slow
def test_bc_resnet_asc_1_of_one_second_takes_64_kb():
    """Arena of the 8-bit file of features, 256 bins and 1 s at a hop of 512 samples, ResNorm at the input."""
    pytest.importorskip("tflite_micro")
    shape = (256, 32, 1)
    model = network(shape, width=10, norm_position="input")
    content = network_file(model, shape, "int8", features(shape, 20), float_input=False, least_memory=True)
    arena = measured_arena(with_memory_plan(shrunk(content)))  # as the file is written
    assert 20_000 < arena.bytes <= 64 * 1024
