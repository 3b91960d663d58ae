"""What asc_tf.internals.model_optimization does with names that are not public."""

import importlib.metadata

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.compression.pruning import prune
from asc_tf.compression.quantization import quantize
from asc_tf.internals.model_optimization import (
    is_wrapper,
    output_range,
    pruned_weights,
    quantized_weights,
    start_schedule,
)

VERSION = f"tensorflow-model-optimization {importlib.metadata.version('tensorflow-model-optimization')}"


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((4, 4, 1))
    return keras.Model(inputs, keras.layers.Conv2D(2, 3, name="conv")(inputs))


def test_a_pruning_wrapper_shows_its_weight_mask_and_step(model):
    wrapper = prune(model, 0.5).layers[1]
    found = pruned_weights(wrapper)
    assert is_wrapper(wrapper) and len(found) == 1, f"{VERSION}: its pruning wrapper keeps its masks elsewhere"
    weight, mask = found[0]
    assert weight.shape == mask.shape == (3, 3, 1, 2) and np.count_nonzero(mask) == 9
    start_schedule(wrapper)
    assert int(wrapper.pruning_step) == 0


def test_a_quantizing_wrapper_shows_its_weight_quantizer_and_ranges(model):
    wrapper = quantize(model, activations=True).layers[1]
    found = quantized_weights(wrapper)
    assert is_wrapper(wrapper) and len(found) == 1, f"{VERSION}: its quantizing wrapper keeps its weights elsewhere"
    weight, quantizer, state = found[0]
    assert quantizer(weight, False, weights=state).shape == weight.shape
    assert {*output_range(wrapper)} == {"min", "max"}, f"{VERSION}: output quantizers keep their ranges elsewhere"


def test_a_plain_layer_has_none_of_it(model):
    layer = model.layers[1]
    assert not is_wrapper(layer) and pruned_weights(layer) == quantized_weights(layer) == []
