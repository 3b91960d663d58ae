import numpy as np
import pytest
from layer_checks import check_layer

from asc_tf.layers import AdaptiveResidualNormalization


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(-3, 4, (3, 6, 7, 2)).astype(np.float32)


def weighed(features, **settings):
    """A layer with weights that differ from channel to channel, and them."""
    layer = AdaptiveResidualNormalization(**settings)
    layer.build(features.shape)
    weights = np.array([[0.2, 0.7], [1.5, 0.5], [0.3, -0.2]], np.float32)
    layer.set_weights(weights)
    return layer, weights


@pytest.mark.parametrize("unbiased", [False, True])
def test_it_is_the_papers_formula(features, unbiased):
    layer, (rho, gamma, beta) = weighed(features, unbiased=unbiased)
    x = features.astype(np.float64)
    mean = x.mean(axis=(2, 3), keepdims=True)
    deviation = np.sqrt(x.var(axis=(2, 3), keepdims=True, ddof=int(unbiased)) + 1e-5)
    expected = gamma * (rho * x + (1 - rho) * (x - mean) / deviation) + beta
    np.testing.assert_allclose(layer(features), expected, atol=1e-5)


def test_it_starts_half_way_between_the_identity_and_freq_in():
    layer = AdaptiveResidualNormalization()
    layer.build((None, 6, 7, 2))
    np.testing.assert_array_equal(layer.get_weights(), [[0.5, 0.5], [1, 1], [0, 0]])


@pytest.mark.parametrize("offset", [0, 40], ids=["difference of squares", "centred"])
def test_the_form_for_8_bits_computes_the_same(features, offset):
    features = features + offset
    layer, _ = weighed(features)
    statistics = features.mean(axis=(2, 3)), features.var(axis=(2, 3))
    integer, weights = layer.integer_form(*statistics)
    assert integer.centred == bool(offset)
    integer.build(features.shape)
    integer.set_weights(weights)
    np.testing.assert_allclose(integer(features), layer(features), atol=1e-3)


def test_layer_contract(tmp_path):
    check_layer(AdaptiveResidualNormalization(0.4), (8, 10, 3), tmp_path)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match=r"rho is 1.5; expected 0 to 1"):
        AdaptiveResidualNormalization(1.5)
    with pytest.raises(ValueError, match="unknown number of channels"):
        AdaptiveResidualNormalization().build((None, 6, 7, None))
