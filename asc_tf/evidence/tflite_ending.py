"""How a .tflite file gets from its last map to the logits: a mean, and linear operators behind it. No TensorFlow."""

from dataclasses import dataclass

import numpy as np

from asc_tf.complexity.tflite_graph import Tensor
from asc_tf.errors import AscError

_AS_THEY_ARE = {"SOFTMAX", "DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE"}


@dataclass(frozen=True)
class Ending:
    """The map before the last mean of a graph, and what follows the mean.

    Args:
        map: the tensor [1, frequency, time, channel].
        linear: (what it is given, kernel, bias or None) of each linear operator behind the mean, in the order of
            execution, the latter two tensors that the file stores. The kernel is [classes, ..., channel].
    """

    map: Tensor
    linear: tuple


def ending_of(graph, path, network):
    """The `Ending` of a graph from features or waveform to probabilities.

    Args:
        graph: `tflite_graph.Graph`.
        path, network: names of the file and its network, for the error.

    Raises:
        AscError: its logits are no mean of one map, linear operators aside.
    """
    makers = {output.index: operator for operator in graph.operators for output in operator.outputs}
    operator, linear = makers.get(graph.outputs[0].index), []
    while operator is not None and (operator.name in _AS_THEY_ARE or _is_linear(operator)):
        if operator.name not in _AS_THEY_ARE:
            kernel, bias = (_stored(tensor, makers) for tensor in (*operator.inputs[1:], None)[:2])
            linear.insert(0, (operator.inputs[0], kernel, bias))
        operator = makers.get(operator.inputs[0].index)
    if operator is not None and operator.name == "MEAN":
        tensor, axes = operator.inputs[0], operator.inputs[1].integers
        if len(tensor.shape) == 4 and sorted(axis % 4 for axis in axes) == [1, 2]:
            return Ending(tensor, tuple(linear))
    found = "no operator" if operator is None else operator.name
    raise AscError(
        f"{path}: holds no scores of single places: the logits of its network {network} come from {found}; expected "
        "the mean over frequency and time of one map"
    )


def _is_linear(operator):
    if getattr(operator.options, "fusedActivationFunction", None) != 0:
        return False
    return operator.name == "FULLY_CONNECTED" or (
        operator.name == "CONV_2D"
        and operator.inputs[0].shape[1:3] == operator.inputs[1].shape[1:3] == operator.outputs[0].shape[1:3] == (1, 1)
    )


def _stored(tensor, makers):
    """The tensor that the file stores for one: of 16-bit weights that is one operator before."""
    maker = None if tensor is None else makers.get(tensor.index)
    return tensor if maker is None else maker.inputs[0]


def linear_layers(ending, interpreter):
    """[(kernel [channel, classes], bias [classes])] of an `Ending`, float32, read from a loaded interpreter."""
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}

    def quantization(tensor):
        """(scales, zero points, axis that they are along)."""
        parameters = details[tensor.index]["quantization_parameters"]
        return parameters["scales"], parameters["zero_points"], parameters["quantized_dimension"]

    def values(tensor, scales, points, axis):
        numbers = interpreter.get_tensor(tensor.index).astype(np.float32)
        if not len(scales):
            return numbers
        axes = [1] * numbers.ndim
        axes[axis] = len(scales)
        return (numbers - np.reshape(points, axes)) * np.reshape(scales, axes)

    layers = []
    for given, kernel, bias in ending.linear:
        weights = values(kernel, *quantization(kernel))
        weights = weights.reshape(len(weights), -1).T
        offset = np.zeros(weights.shape[1], np.float32)
        if bias is not None:
            # The scale of an integer bias follows from the others', and our files leave it out.
            scales = quantization(given)[0] * quantization(kernel)[0] if bias.dtype.startswith("int") else []
            offset = values(bias, scales, np.zeros(len(scales)), 0)
        layers.append((weights, offset))
    return layers
