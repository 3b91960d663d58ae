import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer

from asc_tf.layers import GlobalResponseNormalization


@pytest.fixture
def features():
    scales = np.array([0.1, 1, 5], np.float32)
    return np.random.default_rng(0).normal(0, scales, (2, 6, 7, 3)).astype(np.float32)


def weighed(features, gamma=0.8, beta=-0.3):
    layer = GlobalResponseNormalization()
    layer.build(features.shape)
    layer.set_weights([np.array([gamma]), np.array([beta])])
    return layer


def test_it_is_the_papers_formula(features):
    norms = np.sqrt((features.astype(np.float64) ** 2).sum(axis=(1, 2), keepdims=True))
    share = norms / (norms.mean(axis=3, keepdims=True) + 1e-6)
    expected = features + 0.8 * features * share - 0.3
    np.testing.assert_allclose(weighed(features)(features), expected, atol=1e-5)


def test_it_starts_as_the_identity(features):
    np.testing.assert_array_equal(GlobalResponseNormalization()(features), features)


def test_a_channel_of_zeros_has_a_finite_gradient(features):
    features[..., 1] = 0
    x = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(weighed(features)(x) ** 2)
    assert np.isfinite(tape.gradient(loss, x)).all()


def test_the_form_for_8_bits_computes_the_same(features):
    layer = weighed(features)
    statistics = features.mean(axis=(2, 3)), features.var(axis=(2, 3))
    integer, weights = layer.integer_form(*statistics)
    integer.build(features.shape)
    integer.set_weights(weights)
    np.testing.assert_allclose(integer(features), layer(features), atol=1e-4)


def test_layer_contract(tmp_path):
    check_layer(GlobalResponseNormalization(), (8, 10, 3), tmp_path)
