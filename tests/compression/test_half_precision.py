"""Rounding of weights to half precision."""

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.compression.half_precision import round_to_half


def network():
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(3, 1, bias_initializer=keras.initializers.Constant(0.1), name="conv")(inputs)
    return keras.Model(inputs, keras.layers.BatchNormalization(gamma_initializer="random_normal", name="norm")(x))


@pytest.mark.parametrize("kernels", [False, True])
def test_rounds_all_weights_and_kernels_on_demand(kernels):
    model = network()
    before = {weight.name: weight.numpy() for weight in model.weights}
    round_to_half(model, kernels)
    for weight in model.weights:
        half = "kernel" not in weight.name or kernels
        expected = before[weight.name].astype(np.float16) if half else before[weight.name]
        np.testing.assert_array_equal(weight, expected)
    assert model.get_layer("conv").bias.numpy()[0] == np.float32(np.float16(0.1)) != np.float32(0.1)


def test_a_weight_beyond_its_range_is_named_and_nothing_changes():
    model = network()
    model.get_layer("norm").gamma.assign([1.0, 7e4, 1.0])
    before = model.get_weights()
    with pytest.raises(ValueError, match="gamma.*reaches 70000; half precision ends at 65504"):
        round_to_half(model)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
