import numpy as np
import pytest
import tf_keras as keras

from asc_tf.models.standardized_input import standardized_input


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(-5, 3, (2, 4, 6, 1)).astype(np.float32)


def test_two_numbers_standardize_all_bins_alike(features):
    model = keras.Model(*standardized_input((4, 6, 1), -5.0, 3.0))
    np.testing.assert_allclose(model(features), (features + 5) / 3, atol=1e-6)
    assert model.input_names == ["features"]


def test_one_number_a_bin_standardizes_each_bin_for_itself(features):
    mean, std = np.array([-5.0, -4.0, -3.0, 0.0]), np.array([1.0, 2.0, 3.0, 0.5])
    model = keras.Model(*standardized_input((4, 6, 1), mean, std))
    expected = (features - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(model(features), expected, rtol=1e-4, atol=1e-4)
    assert model.count_params() == 0


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (0.0, 0.0, "feature_std is 0.0; expected a positive number"),
        (np.zeros(4), np.array([1.0, 1.0, -2.0, 1.0]), "feature_std is -2.0"),
        (np.zeros(3), np.ones(3), "got 4 frequency bins; expected 3"),
        (0.0, np.ones(4), "mean is of 1 bins and variance of 4"),
    ],
)
def test_impossible_statistics_are_refused(mean, std, message):
    with pytest.raises(ValueError, match=message):
        standardized_input((4, 6, 1), mean, std)
