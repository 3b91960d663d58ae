import numpy as np
import pytest
import tf_keras as keras
from layer_checks import check_layer

from asc_tf.layers import FrequencyInstanceNormalization, ResidualNormalization


def freq_in(x, epsilon=1e-5):
    """Equations 1 and 2 of the paper, axis by axis, in float64."""
    out = np.empty(x.shape)
    for clip in range(x.shape[0]):
        for frequency in range(x.shape[1]):
            values = x[clip, frequency].astype(np.float64)
            mean = values.sum() / values.size
            variance = ((values - mean) ** 2).sum() / values.size
            out[clip, frequency] = (values - mean) / np.sqrt(variance + epsilon)
    return out


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(-3, 4, (3, 6, 7, 2)).astype(np.float32)


def test_freq_in_is_the_papers_formula(features):
    np.testing.assert_allclose(FrequencyInstanceNormalization()(features), freq_in(features), atol=2e-6)


@pytest.mark.parametrize("lambda_", [0.0, 0.1, 1.5])
def test_res_norm_is_the_papers_formula(features, lambda_):
    expected = lambda_ * features + freq_in(features)
    np.testing.assert_allclose(ResidualNormalization(lambda_)(features), expected, atol=5e-6)


def test_freq_in_takes_a_devices_gain_and_offset_per_bin_away(features):
    gain, offset = np.random.default_rng(1).uniform(0.5, 2, (2, 1, 6, 1, 1)).astype(np.float32)
    layer = FrequencyInstanceNormalization()
    np.testing.assert_allclose(layer(features), layer(gain * features + offset), atol=1e-4)


def test_a_constant_bin_becomes_zero_and_stays_finite(features):
    features[0, 2] = 5.0
    outputs = FrequencyInstanceNormalization()(features).numpy()
    assert np.isfinite(outputs).all()
    assert (np.abs(outputs[0, 2]) < 1e-5).all()


def test_learnable_lambda_is_one_weight_that_training_moves(features):
    layer = ResidualNormalization(0.1, learnable=True)
    model = keras.Sequential([keras.Input(features.shape[1:]), layer])
    assert [weight.shape for weight in layer.trainable_weights] == [()]
    np.testing.assert_allclose(layer(features), 0.1 * features + freq_in(features), atol=5e-6)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(features, features, verbose=0)
    assert float(layer.trainable_weights[0]) != pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("learnable", [True, "scalar"])
def test_true_and_scalar_are_the_same(learnable):
    layer = ResidualNormalization(0.3, learnable)
    layer.build((None, 6, 7, 2))
    assert [weight.shape for weight in layer.trainable_weights] == [()]
    assert ResidualNormalization.from_config(layer.get_config()).learnable == learnable


def test_lambda_of_each_bin_weighs_that_bin(features):
    layer = ResidualNormalization(0.1, "bin")
    np.testing.assert_allclose(layer(features), 0.1 * features + freq_in(features), atol=5e-6)
    lambdas = np.linspace(0, 1, 6).reshape(6, 1, 1)
    layer.set_weights([lambdas])
    np.testing.assert_allclose(layer(features), lambdas * features + freq_in(features), atol=5e-6)


def test_training_moves_the_lambda_of_each_bin_for_itself(features):
    layer = ResidualNormalization(0.1, "bin")
    model = keras.Sequential([keras.Input(features.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(features, features * np.arange(6).reshape(6, 1, 1), verbose=0)
    moved = layer.get_weights()[0].ravel() - 0.1
    assert len(set(moved)) == 6 and (np.diff(moved) > 0).all()


@pytest.mark.parametrize(
    "layer",
    [
        FrequencyInstanceNormalization(epsilon=1e-4),
        ResidualNormalization(0.3),
        ResidualNormalization(0.2, learnable=True),
        ResidualNormalization(0.2, learnable="bin"),
    ],
    ids=["freq_in", "res_norm", "learnable", "bin"],
)
def test_layer_contract(layer, tmp_path):
    check_layer(layer, (8, 10, 3), tmp_path)


def test_negative_lambda_is_refused():
    with pytest.raises(ValueError, match="lambda_ is -0.1"):
        ResidualNormalization(-0.1)


def test_unknown_kind_of_lambda_is_refused():
    with pytest.raises(ValueError, match="learnable is 'channel'; expected False, True, 'scalar' or 'bin'"):
        ResidualNormalization(learnable="channel")


def test_lambda_of_each_bin_needs_a_known_number_of_bins():
    with pytest.raises(ValueError, match="unknown frequency; expected a static number of bins"):
        ResidualNormalization(learnable="bin").build((None, None, 7, 2))
