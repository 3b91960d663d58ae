"""Kernels that were trained in 8 bits come to the file as they were trained."""

import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema
from small_networks import features_for, unsettled_network

from asc_tf.compression.kernels import effective_kernels
from asc_tf.compression.pruning import prune, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.export.deployment_layers import space_to_depth_weights
from asc_tf.export.tflite import network_file


@pytest.fixture(scope="module")
def network():
    """Pruned, trained for two steps in 8 bits, and plain again."""
    model = strip_pruning(prune(unsettled_network("asc"), 0.5))
    wrapped = quantize(model)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    wrapped.compile(keras.optimizers.SGD(0.05), loss, run_eagerly=True)  # tracing takes ten times as long
    features = features_for(model, 8)
    wrapped.fit(features, np.eye(4, dtype=np.float32)[np.arange(8) % 4], batch_size=4, verbose=0)
    return strip_quantization(wrapped)


def integers_in_file(content):
    """8-bit kernels of a file in absolute values, for a normalization that is folded in may turn a sign."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    found = []
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.INT8 and data is not None and len(tensor.shape) == 4:
            found.append(np.abs(np.frombuffer(bytes(data), np.int8).reshape(tensor.shape).astype(int)))
    return found


def trained_integers(name, kernel, network):
    """As the file holds them: [output, row, column, input], of depthwise convolutions [1, row, column, channel]."""
    depthwise = (
        kernel.shape[-1] == 1 and kernel.ndim == 4 and "depthwise" in type(network.get_layer(name)).__name__.lower()
    )
    axes = (0, 1) if depthwise else (0, 1, 2)
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    grid = np.divide(kernel, scale, out=np.zeros_like(kernel), where=scale > 0)
    np.testing.assert_allclose(grid, np.rint(grid), atol=1e-3)
    grid = np.abs(np.rint(grid)).astype(int)
    if depthwise:
        return grid.transpose(3, 0, 1, 2)
    if name == "stem":
        grid, _ = space_to_depth_weights(grid, np.zeros(grid.shape[3]), network.input_shape[1:3])
    return grid.transpose(3, 0, 1, 2)


@pytest.mark.slow
def test_kernels_of_the_file_are_those_that_were_trained(network):
    features = features_for(network, 8)
    found = integers_in_file(network_file(network, network.input_shape[1:], "int8", features))
    for name, kernel in effective_kernels(network).items():
        expected = trained_integers(name, kernel, network)
        assert any(np.array_equal(kernel, expected) for kernel in found), name
