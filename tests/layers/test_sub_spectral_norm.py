import numpy as np
import pytest
from layer_checks import check_layer

from asc_tf.layers import SubSpectralNormalization
from asc_tf.layers.sub_spectral_norm import sub_spectral_normalization


def sub_spectral(x, sub_bands, gamma, beta, mean=None, variance=None, epsilon=1e-5):
    """Batch normalization of each contiguous sub-band for itself, in float64. Returns (outputs, means, variances)."""
    x = x.astype(np.float64)
    width = x.shape[1] // sub_bands
    outputs, means, variances = np.empty(x.shape), [], []
    for band in range(sub_bands):
        part = x[:, band * width : (band + 1) * width]
        m = part.mean(axis=(0, 1, 2)) if mean is None else mean[band]
        v = part.var(axis=(0, 1, 2)) if variance is None else variance[band]
        outputs[:, band * width : (band + 1) * width] = gamma[band] * (part - m) / np.sqrt(v + epsilon) + beta[band]
        means.append(m)
        variances.append(v)
    return outputs, np.array(means), np.array(variances)


@pytest.fixture
def features():
    """Every bin has its own level, so that bins in the wrong band show."""
    generator = np.random.default_rng(0)
    return (generator.normal(0, 2, (3, 8, 5, 2)) + np.arange(8).reshape(1, 8, 1, 1)).astype(np.float32)


@pytest.fixture
def layer(features):
    layer = SubSpectralNormalization(4, momentum=0.9)
    layer.build(features.shape)
    generator = np.random.default_rng(1)
    gamma, beta, mean = generator.normal(1, 0.5, (3, 4, 2))
    layer.set_weights([gamma, beta, mean, generator.uniform(0.5, 2, (4, 2))])
    return layer


def test_training_normalizes_contiguous_bands_by_their_batch_statistics(layer, features):
    gamma, beta, *_ = layer.get_weights()
    expected, _, _ = sub_spectral(features, 4, gamma, beta)
    np.testing.assert_allclose(layer(features, training=True), expected, atol=1e-5)


def test_the_plain_formula_is_numpys(layer, features):
    """It is the reference of the fast ways in test_batch_norm.py."""
    gamma, beta, *_ = layer.get_weights()
    expected = sub_spectral(features, 4, gamma, beta)
    found = sub_spectral_normalization(
        features.astype(np.float64), *(w.astype(np.float64) for w in (gamma, beta)), 1e-5
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_training_updates_the_moving_statistics(layer, features):
    gamma, beta, old_mean, old_variance = layer.get_weights()
    _, mean, variance = sub_spectral(features, 4, gamma, beta)
    layer(features, training=True)
    _, _, new_mean, new_variance = layer.get_weights()
    np.testing.assert_allclose(new_mean, 0.9 * old_mean + 0.1 * mean, atol=1e-6)
    np.testing.assert_allclose(new_variance, 0.9 * old_variance + 0.1 * variance, atol=1e-6)


def test_inference_uses_the_moving_statistics(layer, features):
    weights = layer.get_weights()
    expected, _, _ = sub_spectral(features, 4, *weights)
    np.testing.assert_allclose(layer(features, training=False), expected, atol=1e-5)
    assert all((a == b).all() for a, b in zip(weights, layer.get_weights(), strict=True))


def test_a_frozen_layer_infers_even_in_training(layer, features):
    layer.trainable = False
    np.testing.assert_array_equal(layer(features, training=True), layer(features, training=False))


def test_one_band_is_batch_normalization(features):
    layer = SubSpectralNormalization(1)
    outputs = layer(features, training=True).numpy()
    np.testing.assert_allclose(outputs.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_gradient_is_that_of_the_formula(features):
    """Against central differences of the numpy formula, for a loss that weighs every output differently."""
    import tensorflow as tf

    layer = SubSpectralNormalization(4)
    weights = np.random.default_rng(2).normal(size=features.shape)
    x = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x, training=True) * weights.astype(np.float32))
    gradient = tape.gradient(loss, x).numpy()
    ones, zeros = np.ones((4, 2)), np.zeros((4, 2))
    for place in [(0, 0, 0, 0), (1, 3, 2, 1), (2, 7, 4, 0)]:
        step = np.zeros(features.shape)
        step[place] = 1e-4
        up, down = (sub_spectral(features + s * step, 4, ones, zeros)[0] for s in (1, -1))
        assert gradient[place] == pytest.approx(((up - down) * weights).sum() / 2e-4, rel=1e-3, abs=1e-4)


def test_layer_contract(tmp_path):
    check_layer(SubSpectralNormalization(2, momentum=0.8, epsilon=1e-4), (8, 10, 3), tmp_path)


def test_bins_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="10 frequency bins; expected a multiple of sub_bands = 4"):
        SubSpectralNormalization(4).build((None, 10, 5, 2))
