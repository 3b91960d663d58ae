"""What tfmot's wrappers hold beside the network does not count, and what they make of a kernel does."""

import numpy as np
import pytest
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper import QuantizeWrapperV2
from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import PruneLowMagnitude

from asc_tf.complexity.effective_parameters import parameters_of
from asc_tf.complexity.keras_account import keras_account

layers = keras.layers
KERNEL = (3, 3, 2, 4)


def built(layer):
    layer.build((None, 8, 8, 2))
    return layer


def conv(**kwargs):
    return layers.Conv2D(4, 3, name="conv", **kwargs)


def kernel_of_mostly_zeros(nonzeros):
    kernel = np.zeros(72, np.float32)
    kernel[:nonzeros] = np.linspace(0.2, 1, nonzeros)
    return kernel.reshape(KERNEL)


class MaskedQuantizer(tfmot.quantization.keras.quantizers.LastValueQuantizer):
    """8 bit, behind a mask that keeps the first eleven numbers."""

    def __init__(self):
        super().__init__(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)

    def build(self, tensor_shape, name, layer):
        mask = (np.arange(72) < 11).astype(np.float32).reshape(KERNEL)
        return {
            "mask": layer.add_weight(name + "_mask", shape=KERNEL, initializer=lambda *_, **__: mask, trainable=False)
        }

    def __call__(self, inputs, training, weights, **kwargs):
        return inputs * weights["mask"]


class KernelOnly(tfmot.quantization.keras.QuantizeConfig):
    def __init__(self, quantizer):
        self.quantizer = quantizer

    def get_weights_and_quantizers(self, layer):
        return [(layer.kernel, self.quantizer)]

    def set_quantize_weights(self, layer, quantize_weights):
        (layer.kernel,) = quantize_weights

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        return []

    def get_config(self):
        return {}


def test_kinds_zeros_and_training_of_a_plain_layer():
    layer = built(conv())
    layer.kernel.assign(kernel_of_mostly_zeros(5))
    kernel, bias = parameters_of(layer)
    assert (kernel.kind, kernel.dtype, kernel.count, kernel.nonzeros, kernel.trainable) == (
        "kernel",
        "float32",
        72,
        5,
        True,
    )
    assert (bias.kind, bias.count, bias.nonzeros) == ("bias", 4, 0)


def test_a_batch_normalization_has_two_trained_and_two_moving_vectors():
    kinds = [(tensor.kind, tensor.trainable) for tensor in parameters_of(built(layers.BatchNormalization()))]
    assert kinds == [("norm", True), ("norm", True), ("statistic", False), ("statistic", False)]


def test_a_frozen_layer_keeps_its_parameters():
    layer = built(conv())
    layer.trainable = False
    assert [(tensor.count, tensor.trainable) for tensor in parameters_of(layer)] == [(72, False), (4, False)]


def test_steps_and_counts_are_no_parameters():
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(size=(8, 2)))
    assert any(weight.dtype == "int64" for weight in layer.weights)
    assert [tensor.count for tensor in parameters_of(layer)] == [2, 2]


def test_a_shared_variable_counts_once():
    layer, seen = built(conv()), set()
    assert len(parameters_of(layer, seen)) == 2
    assert parameters_of(layer, seen) == []


def test_a_layer_in_half_precision_is_stored_in_half():
    assert {tensor.dtype for tensor in parameters_of(built(conv(dtype="float16")))} == {"float16"}
    assert {tensor.dtype for tensor in parameters_of(built(conv(dtype="mixed_float16")))} == {"float32"}


def test_a_pruned_layer_is_counted_behind_its_mask():
    wrapper = built(PruneLowMagnitude(conv()))
    ((_, mask, _),) = wrapper.pruning_vars
    mask.assign((np.arange(72) < 9).astype(np.float32).reshape(KERNEL))
    kernel, bias = parameters_of(wrapper)
    assert (kernel.kind, kernel.count, kernel.nonzeros, kernel.dtype, kernel.trainable) == (
        "kernel",
        72,
        9,
        "float32",
        True,
    )
    assert (bias.kind, bias.count) == ("bias", 4)


@pytest.mark.parametrize("traced", [False, True])
def test_a_quantized_layer_is_counted_behind_its_quantizer(traced):
    inputs = keras.Input((8, 8, 2))
    wrapper = QuantizeWrapperV2(conv(), KernelOnly(MaskedQuantizer()))
    model = keras.Model(inputs, wrapper(inputs))
    variable = wrapper._weight_vars[0][0]
    variable.assign(np.ones(KERNEL))
    found = keras_account(model).parameters() if traced else parameters_of(wrapper)
    by_kind = {tensor.kind: tensor for tensor in found}
    assert len(found) == 2
    kernel = by_kind["kernel"]
    assert (kernel.count, kernel.nonzeros, kernel.dtype, kernel.trainable) == (72, 11, "int8", True)
    assert (by_kind["bias"].count, by_kind["bias"].dtype) == (4, "float32")


def test_what_rounds_to_zero_is_zero_in_eight_bits():
    inputs = keras.Input((8, 8, 2))
    quantizer = tfmot.quantization.keras.quantizers.LastValueQuantizer(
        8, per_axis=False, symmetric=True, narrow_range=True
    )
    wrapper = QuantizeWrapperV2(conv(use_bias=False), KernelOnly(quantizer))
    model = keras.Model(inputs, wrapper(inputs))
    kernel = kernel_of_mostly_zeros(3)
    kernel.flat[3:6] = 1e-3  # a step is 1 / 127 here
    wrapper._weight_vars[0][0].assign(kernel)
    wrapper(np.zeros((1, 8, 8, 2), np.float32), training=True)  # sets the quantizer's range
    (counted,) = keras_account(model).parameters()
    assert (counted.nonzeros, counted.count) == (3, 72)


@pytest.mark.parametrize("wrap", ["prune", "quantize"])
def test_wrapping_leaves_macs_and_parameters_as_they_are(wrap):
    def network(first):
        inputs = keras.Input((8, 8, 2))
        x = layers.ReLU()(layers.BatchNormalization()(first(inputs)))
        return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))

    plain = keras_account(network(conv()))
    wrapper = PruneLowMagnitude(conv()) if wrap == "prune" else None
    wrapped = keras_account(network(wrapper or QuantizeWrapperV2(conv(), KernelOnly(MaskedQuantizer()))))
    assert wrapped.operations().macs == plain.operations().macs == 6 * 6 * 4 * 18 + 144 * 3
    assert sum(t.count for t in wrapped.parameters()) == sum(t.count for t in plain.parameters())
    assert wrapped.receptive_field == plain.receptive_field
    assert wrapped.unaccounted() == []
