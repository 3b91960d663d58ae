import numpy as np
import pytest
from layer_checks import check_layer

from asc_tf.layers import FrequencyInstanceNormalization, RelaxedInstanceFrequencyNormalization


def standardized(x, axes, epsilon=1e-5):
    x = x.astype(np.float64)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)


@pytest.fixture
def features():
    """Bins of different levels and spreads, so that the clip's statistics differ from each bin's."""
    noise = np.random.default_rng(0).normal(size=(3, 6, 7, 2))
    scale = np.linspace(0.5, 3, 6).reshape(6, 1, 1)
    return (scale * noise + 4 * scale - 9).astype(np.float32)


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 1.0])
def test_rfn_is_the_papers_formula(features, lambda_):
    layer_norm, instance_norm = standardized(features, (1, 2, 3)), standardized(features, (2, 3))
    expected = lambda_ * layer_norm + (1 - lambda_) * instance_norm
    np.testing.assert_allclose(RelaxedInstanceFrequencyNormalization(lambda_)(features), expected, atol=5e-6)


def test_without_relaxation_it_is_freq_in(features):
    expected = FrequencyInstanceNormalization()(features)
    np.testing.assert_allclose(RelaxedInstanceFrequencyNormalization(0)(features), expected, atol=1e-6)


def test_a_gain_and_an_offset_of_the_whole_clip_vanish_at_any_lambda(features):
    layer = RelaxedInstanceFrequencyNormalization(0.7)
    np.testing.assert_allclose(layer(3 * features + 5), layer(features), atol=1e-4)


def test_relaxation_keeps_the_balance_of_the_bins(features):
    """FreqIN leaves all bins at a mean of 0; the layer normalization brings back lambda times their differences."""
    means = RelaxedInstanceFrequencyNormalization(0.5)(features).numpy().mean(axis=(2, 3))
    expected = 0.5 * standardized(features, (1, 2, 3)).mean(axis=(2, 3))
    np.testing.assert_allclose(means, expected, atol=1e-5)
    assert np.ptp(means, axis=1).min() > 0.5


def test_a_constant_clip_becomes_zero_and_stays_finite():
    outputs = RelaxedInstanceFrequencyNormalization()(np.full((1, 4, 5, 1), 3, np.float32)).numpy()
    np.testing.assert_allclose(outputs, 0, atol=1e-4)


def test_layer_contract(tmp_path):
    check_layer(RelaxedInstanceFrequencyNormalization(0.3, epsilon=1e-4), (8, 10, 3), tmp_path)


@pytest.mark.parametrize("lambda_", [-0.1, 1.1])
def test_lambda_out_of_range_is_refused(lambda_):
    with pytest.raises(ValueError, match=f"lambda_ is {lambda_}; expected 0 to 1"):
        RelaxedInstanceFrequencyNormalization(lambda_)
