"""Channels of equal size between a convolution and its product by bin."""

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D
from asc_tf.export.equalized_channels import equalize_channels


@pytest.fixture
def graph():
    """One layer of 2 bands and 4 channels of different sizes, of which one is always 0."""
    inputs = keras.Input((8, 20, 4))
    model = keras.Model(inputs, BinwiseDepthwiseConv2D(2, (3, 1))(inputs))
    generator = np.random.default_rng(0)
    kernel = generator.normal(0, 1, (3, 1, 4, 1)) * np.array([30, 3, 1, 0])[:, np.newaxis]
    scale = np.array([[0.1, 1, 1, 1], [1, 0.5, -1, 1]])
    model.layers[-1].set_weights([kernel, np.array([9, 1, -3, 0]), scale, generator.normal(0, 1, (2, 4))])
    return model


def test_channels_get_one_size_and_results_stay(graph):
    x = np.random.default_rng(1).normal(0, 1, (5, 8, 20, 4)).astype(np.float32)
    layer, before = graph.layers[-1], graph(x).numpy()
    equalize_channels(graph, x)
    np.testing.assert_allclose(graph(x), before, atol=1e-4)
    map_ = layer.convolved(x).numpy()
    np.testing.assert_allclose(map_.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    deviations = map_.std(axis=(0, 1, 2))
    assert deviations[0] == pytest.approx(deviations[1], rel=1e-3)
    assert deviations[2] > 0.3 * deviations[0] and deviations[3] == 0  # the factor has a limit


def test_eight_bits_lose_less(graph):
    """Of the map before the product, rounded to 255 steps; all channels behind it count alike."""
    x = np.random.default_rng(1).normal(0, 1, (5, 8, 20, 4)).astype(np.float32)
    layer = graph.layers[-1]

    def errors():
        map_ = layer.convolved(x).numpy()
        step = np.ptp(map_) / 255
        scale = np.repeat(layer.scale.numpy(), 4, axis=0)[:, np.newaxis]
        error = (np.rint(map_ / step) * step - map_) * scale
        return np.sqrt((error**2).mean(axis=(0, 1, 2)))

    before = errors()
    equalize_channels(graph, x)
    assert (errors()[1:3] < before[1:3] / 4).all() and errors()[0] < 1.2 * before[0]
