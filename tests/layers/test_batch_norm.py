"""Batch normalization by rows and by bands, against the layers' plain formulas, their derivatives and Keras's layer."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from layer_checks import check_layer

from asc_tf.layers import BatchNormalization
from asc_tf.layers.batch_norm import batch_normalization
from asc_tf.layers.fast.batch_statistics import is_slow
from asc_tf.layers.fast.normalize_bands import normalize_bands
from asc_tf.layers.fast.normalize_by_rows import normalize_by_rows
from asc_tf.layers.sub_spectral_norm import sub_spectral_normalization

EPSILON = 1e-5
SHAPES = [(3, 4, 5, 10), (2, 64, 3, 1), (5, 4, 3, 8), (3, 4, 5, 24), (4, 8, 5, 5), (1, 8, 1, 2), (1, 8, 7, 3)]


def by_formula(x, gamma, beta):
    """`batch_normalization` for one band, so that both plain formulas are used."""
    if len(gamma) > 1:
        return sub_spectral_normalization(x, gamma, beta, EPSILON)
    outputs, mean, variance = batch_normalization(x, gamma[0], beta[0], EPSILON)
    return outputs, mean[None], variance[None]


def by_rows(x, gamma, beta):
    outputs, mean, variance = normalize_by_rows(x, gamma[0], beta[0], EPSILON)
    return outputs, mean[None], variance[None]


def by_bands(x, gamma, beta):
    return normalize_bands(x, gamma, beta, EPSILON)


WAYS = [(by_rows, 1), (by_bands, 1), (by_bands, 4)]


def with_gradients(function, *inputs):
    """Outputs, statistics and, of a loss that tells outputs apart, the inputs' gradients."""
    tensors = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, mean, variance = function(*tensors)
        factors = np.random.default_rng(1).normal(0, 1, outputs.shape).astype(outputs.dtype.as_numpy_dtype)
        loss = tf.reduce_sum(outputs * factors)
    return [value.numpy() for value in (outputs, mean, variance, *tape.gradient(loss, tensors))]


def example(shape, bands=1, level=0.0):
    """Features whose channels and bins have scales and levels of their own, gamma and beta."""
    generator = np.random.default_rng(0)
    features = generator.normal(0, 1, shape) * np.linspace(0.5, 3, shape[3]) + np.arange(shape[3]) + level
    features += np.arange(shape[1])[:, None, None]
    return [values.astype(np.float32) for values in (features, *generator.uniform(0.5, 1.5, (2, bands, shape[3])))]


def check(way, inputs, tolerance):
    expected = with_gradients(by_formula, *(values.astype(np.float64) for values in inputs))
    for one, other in zip(with_gradients(way, *inputs), expected, strict=True):
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one / scale, other / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("way", "bands"), WAYS)
def test_outputs_statistics_and_gradients(shape, way, bands):
    check(way, example(shape, bands), tolerance=2e-6)


@pytest.mark.parametrize(("way", "bands"), WAYS)
def test_batch_and_time_may_be_unknown(way, bands):
    unknown = [tf.TensorSpec((None, 8, None, 10)), *[tf.TensorSpec((bands, 10))] * 2]
    check(tf.function(way, input_signature=unknown), example((3, 8, 5, 10), bands), tolerance=2e-6)


@pytest.mark.parametrize(("way", "bands"), WAYS)
def test_a_level_far_from_zero_costs_no_precision(way, bands):
    # In float32 the inputs themselves are known to 3e-5 only.
    check(way, example((4, 8, 9, 10), bands, level=300.0), tolerance=2e-4)


@pytest.mark.parametrize(("way", "bands"), WAYS)
def test_no_gradient_through_the_statistics(way, bands):
    x, gamma, beta = (tf.constant(values) for values in example((2, 8, 3, 10), bands))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = sum(tf.reduce_sum(statistic) for statistic in way(x, gamma, beta)[1:])
    assert tape.gradient(loss, x) is None


@pytest.mark.parametrize("channels", [10, 8, 3])
def test_trains_as_keras_layer_does(channels):
    features = example((6, 8, 5, channels))[0]
    layers = [kind(momentum=0.9, epsilon=EPSILON) for kind in (BatchNormalization, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.build(features.shape)
        layer.gamma.assign(np.linspace(0.5, 1.5, channels))
        step = tf.function(lambda x, layer=layer: layer(x, training=True))
        outputs = [step(features[start : start + 3]).numpy() for start in (0, 3, 0)]
        layer.results = [*outputs, *layer.get_weights(), layer(features).numpy()]
    for ours, theirs in zip(layers[0].results, layers[1].results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_frozen_or_at_inference_it_is_keras_layer():
    features = example((6, 8, 5, 10))[0]
    mine, theirs = BatchNormalization(), keras.layers.BatchNormalization()
    for layer in (mine, theirs):
        layer.build(features.shape)
    mine.trainable = False
    np.testing.assert_array_equal(mine(features, training=True), theirs(features, training=False))
    mine.trainable = True
    np.testing.assert_array_equal(mine(features, training=False), theirs(features, training=False))
    assert [weight.name for weight in mine.weights] == [weight.name for weight in theirs.weights]


@pytest.mark.parametrize("training", [True, False])
def test_training_as_a_tensor(training):
    features = example((6, 8, 5, 10))[0]
    layer = BatchNormalization()
    layer.build(features.shape)
    expected = layer(features, training=training)
    given = tf.function(lambda flag: layer(features, training=flag))(tf.constant(training))
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_is_a_leaf_layer(tmp_path):
    check_layer(BatchNormalization(momentum=0.9, epsilon=1e-5), (8, 5, 10), tmp_path)


@pytest.mark.parametrize("channels", [5, 10, 20, 24, 40, 120, 200])
def test_channels_that_onednn_is_slow_for_are_known(channels):
    assert is_slow(channels) and BatchNormalization()._gains_by_rows(64, channels)


@pytest.mark.parametrize("channels", [4, 8, 12, 16, 80, 160])
def test_channels_that_onednn_is_fast_for_stay_with_it(channels):
    assert not is_slow(channels)
