"""Batch normalization by rows, against the formula's own derivatives and Keras's layer."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from layer_checks import check_layer

from asc_tf.layers import BatchNormalization
from asc_tf.layers.batch_normalize import batch_normalize, needs_rows

EPSILON = 1e-5
# Rows of 40 and 64 numbers; TensorFlow's own operation for 8 channels, and where neither bins nor channels allow rows.
SHAPES = [(3, 4, 5, 10), (2, 64, 3, 1), (5, 4, 3, 8), (4, 3, 5, 5), (1, 8, 1, 2), (1, 8, 7, 3)]


def plainly(x, gamma, beta):
    mean = tf.reduce_mean(x, axis=(0, 1, 2))
    variance = tf.reduce_mean((x - mean) ** 2, axis=(0, 1, 2))
    return gamma * (x - mean) / tf.sqrt(variance + EPSILON) + beta, mean, variance


def ours(x, gamma, beta):
    (outputs,), mean, variance = batch_normalize([x], gamma[None], beta[None], EPSILON)
    return outputs, mean[0], variance[0]


def with_gradients(function, *inputs):
    """Outputs, statistics and, of a loss that tells outputs apart, the inputs' gradients."""
    tensors = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, mean, variance = function(*tensors)
        factors = np.random.default_rng(1).normal(0, 1, outputs.shape).astype(outputs.dtype.as_numpy_dtype)
        loss = tf.reduce_sum(outputs * factors)
    return [value.numpy() for value in (outputs, mean, variance, *tape.gradient(loss, tensors))]


def example(shape, level=0.0, dtype=np.float32):
    generator = np.random.default_rng(0)
    features = generator.normal(0, 1, shape) * np.linspace(0.5, 3, shape[3]) + np.arange(shape[3]) + level
    return [values.astype(dtype) for values in (features, *generator.uniform(0.5, 1.5, (2, shape[3])))]


def test_which_shapes_go_by_rows():
    assert [needs_rows(tf.TensorShape(shape)) for shape in SHAPES] == [True, True, False, False, True, True]
    assert not needs_rows(tf.TensorShape((None, None, 5, 10)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_statistics_and_gradients(shape):
    inputs = example(shape)
    expected = with_gradients(plainly, *(values.astype(np.float64) for values in inputs))
    for one, other in zip(with_gradients(ours, *inputs), expected, strict=True):
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one / scale, other / scale, rtol=0, atol=2e-6)


def test_a_level_far_from_zero_costs_no_precision():
    inputs = example((4, 8, 9, 10), level=300.0)
    # In float32 the inputs themselves are known to 3e-5 only.
    expected = with_gradients(plainly, *(values.astype(np.float64) for values in inputs))
    for one, other in zip(with_gradients(ours, *inputs), expected, strict=True):
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one / scale, other / scale, rtol=0, atol=2e-4)


def test_no_gradient_through_the_statistics():
    x, gamma, beta = (tf.constant(values) for values in example((2, 4, 3, 10)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = sum(tf.reduce_sum(statistic) for statistic in ours(x, gamma, beta)[1:])
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
