import numpy as np
import pytest
import tf_keras as keras

from asc_tf.blocks import frequency_norm
from asc_tf.layers import RelaxedInstanceFrequencyNormalization, ResidualNormalization


def built(*arguments, **options):
    inputs = keras.Input((6, 7, 2))
    return keras.Model(inputs, frequency_norm(inputs, *arguments, **options))


@pytest.mark.parametrize(
    ("norm", "layer"),
    [("resnorm", ResidualNormalization(0.3)), ("rfn", RelaxedInstanceFrequencyNormalization(0.3))],
)
def test_the_layer_of_the_name_takes_lambda(norm, layer):
    features = np.random.default_rng(0).normal(-3, 2, (2, 6, 7, 2)).astype(np.float32)
    model = built(norm, 0.3, name="stage1")
    np.testing.assert_allclose(model(features), layer(features), atol=1e-6)
    assert model.layers[-1].name == f"stage1_{norm}" and not model.weights


@pytest.mark.parametrize(("learnable", "weights"), [("scalar", 1), ("bin", 6)])
def test_lambda_is_trained_as_one_weight_or_one_a_bin(learnable, weights):
    assert built("resnorm", 0.3, learnable).count_params() == weights


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ifn",), "norm is 'ifn'; expected one of resnorm, adaresnorm, rfn"),
        (("rfn", 0.5, "bin"), "learnable_lambda is 'bin'; expected none where norm is 'rfn'"),
        (("rfn", 1.5), "lambda_ is 1.5; expected 0 to 1"),
    ],
)
def test_what_does_not_exist_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        built(*arguments)
