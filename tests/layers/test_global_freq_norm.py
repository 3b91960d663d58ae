import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer

from asc_tf.layers import GlobalFrequencyNormalization

LEVELS = np.array([-20.0, -5.0, 0.0, 7.0])
SPREADS = np.array([0.5, 1.0, 2.0, 5.0])


def clips(count, frames, seed=0):
    """Features of a level and a spread of its own in each of four bins."""
    noise = np.random.default_rng(seed).normal(size=(count, 4, frames, 2))
    return (LEVELS[:, None, None] + SPREADS[:, None, None] * noise).astype(np.float32)


def test_given_statistics_are_the_papers_formula():
    features = clips(3, 5)
    variance = SPREADS**2
    outputs = GlobalFrequencyNormalization(LEVELS, variance, epsilon=0.1)(features)
    expected = (features - LEVELS[:, None, None]) / np.sqrt(variance + 0.1)[:, None, None]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-5)


def test_adapted_statistics_are_those_of_all_clips_whatever_the_batches():
    batches = [clips(5, 6), clips(2, 6, seed=1), clips(1, 30, seed=2)]
    layer = GlobalFrequencyNormalization()
    layer.adapt(batches)
    values = np.concatenate([batch.astype(np.float64).swapaxes(0, 1).reshape(4, -1) for batch in batches], axis=1)
    np.testing.assert_allclose(layer.mean, values.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(layer.variance, values.var(axis=1), rtol=1e-12)


def test_a_data_set_adapts_too_and_its_bins_come_out_standardized():
    features = clips(20, 50)
    layer = GlobalFrequencyNormalization()
    layer.adapt(tf.data.Dataset.from_tensor_slices(features).batch(8))
    outputs = layer(features).numpy()
    np.testing.assert_allclose(outputs.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(outputs.std(axis=(0, 2, 3)), 1, atol=1e-4)


def test_a_gain_of_one_device_stays_unlike_in_freq_in():
    """All clips are treated alike: a bin that is louder by 3 stays louder by the same share of the spread."""
    features = clips(1, 5)
    layer = GlobalFrequencyNormalization(LEVELS, SPREADS**2)
    change = (layer(features + 3) - layer(features)).numpy()
    np.testing.assert_allclose(change, np.broadcast_to((3 / SPREADS)[:, None, None], change.shape), rtol=1e-4)


def test_a_bin_that_never_changes_becomes_zero():
    layer = GlobalFrequencyNormalization()
    features = clips(3, 5)
    features[:, 1] = -7
    layer.adapt([features])
    np.testing.assert_allclose(layer(features)[:, 1], 0, atol=1e-6)


def test_statistics_are_configuration_not_weights():
    layer = GlobalFrequencyNormalization(name="norm")
    layer.adapt([clips(3, 5)])
    copy = GlobalFrequencyNormalization.from_config(layer.get_config())
    features = clips(2, 5, seed=3)
    np.testing.assert_array_equal(copy(features), layer(features))
    assert not layer.weights
    assert GlobalFrequencyNormalization(name="norm").get_config()["mean"] is None


def test_layer_contract(tmp_path):
    generator = np.random.default_rng(0)
    layer = GlobalFrequencyNormalization(generator.normal(size=8), generator.uniform(0.5, 2, 8), epsilon=1e-3)
    check_layer(layer, (8, 10, 3), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": [0.0]}, "mean or variance is None; expected both or neither"),
        ({"variance": [1.0]}, "mean or variance is None"),
        ({"mean": [0.0, 0.0], "variance": [1.0]}, "mean is of 2 bins and variance of 1"),
        ({"mean": [0.0, 0.0], "variance": [1.0, -0.5]}, "variance is -0.5 in bin 1; expected 0 or more"),
    ],
)
def test_impossible_statistics_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GlobalFrequencyNormalization(**arguments)


def test_use_before_the_statistics_are_known_is_refused():
    with pytest.raises(ValueError, match="has no statistics; expected mean and variance, or a call of `adapt`"):
        GlobalFrequencyNormalization()(clips(1, 5))


def test_another_number_of_bins_is_refused():
    with pytest.raises(ValueError, match="got 4 frequency bins; expected 3"):
        GlobalFrequencyNormalization(np.zeros(3), np.ones(3))(clips(1, 5))


def test_adapting_a_layer_in_use_is_refused():
    layer = GlobalFrequencyNormalization(LEVELS, SPREADS)
    layer(clips(1, 5))
    with pytest.raises(ValueError, match="part of a model already; expected `adapt` before its first use"):
        layer.adapt([clips(1, 5)])


def test_adapting_to_nothing_is_refused():
    with pytest.raises(ValueError, match="batches is empty"):
        GlobalFrequencyNormalization().adapt([])
