"""Operators of a .tflite file as `schema.ModelT` has them: their kinds and their biases. Needs no TensorFlow."""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

KERNEL, BIAS = 1, 2  # positions among the inputs of a convolution or a matrix product
LOWEST, HIGHEST = -128, 127  # numbers of 8-bit maps
_KIND = schema.BuiltinOperator
AFFINE = {_KIND.CONV_2D, _KIND.DEPTHWISE_CONV_2D, _KIND.FULLY_CONNECTED}
"""Convolutions and matrix products with a kernel and, perhaps, a bias."""
SAME_SCALE = {
    _KIND.AVERAGE_POOL_2D, _KIND.CONCATENATION, _KIND.MAX_POOL_2D, _KIND.PAD, _KIND.RESHAPE, _KIND.SLICE,
    _KIND.SPACE_TO_DEPTH, _KIND.SPLIT, _KIND.SPLIT_V, _KIND.SQUEEZE, _KIND.STRIDED_SLICE, _KIND.TRANSPOSE,
}  # fmt: skip
"""Operators whose outputs have the scale of their inputs."""


def kind_of(model, operator):
    """The `BuiltinOperator` of an operator; old files have it in another field."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def has_bias(operator):
    """Whether an operator has a bias, if its kind allows one."""
    return len(operator.inputs) > BIAS and operator.inputs[BIAS] >= 0


def bias_integers(model, bias):
    """The numbers of an 8-bit operator's bias tensor, int32 [channel]."""
    return np.frombuffer(bytes(bytearray(model.buffers[bias.buffer].data)), np.int32)


def set_bias_integers(model, bias, values):
    """Give a bias tensor its own buffer with rounded real values."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.rint(values).astype(np.int32).tobytes(), np.uint8)
    bias.buffer = len(model.buffers)
    model.buffers.append(buffer)


def own_bias(model, operator):
    """The bias tensor of an operator, as its own: the converter lets operators of equal biases share one."""
    graph = model.subgraphs[0]
    shared = operator.inputs[BIAS]
    if sum(int(index) == shared for other in graph.operators for index in other.inputs) > 1:
        inputs = [int(index) for index in operator.inputs]
        inputs[BIAS] = len(graph.tensors)
        graph.tensors.append(copy.deepcopy(graph.tensors[shared]))
        operator.inputs = inputs
    return graph.tensors[operator.inputs[BIAS]]


def set_scale(model, tensors, scale, zero_point):
    """Give 8-bit maps a scale and a zero point, and the biases behind them the same values in the new steps.

    A bias counts in steps of its operator's input times those of its kernel.

    Args:
        tensors: set of indices.
    """
    graph = model.subgraphs[0]
    before = {index: float(graph.tensors[index].quantization.scale[0]) for index in tensors}
    for index in tensors:
        quantization = graph.tensors[index].quantization
        quantization.scale, quantization.zeroPoint = [scale], [zero_point]
        quantization.min = quantization.max = None
    for operator in graph.operators:
        taken = int(operator.inputs[0])
        if taken in before and before[taken] != scale and kind_of(model, operator) in AFFINE and has_bias(operator):
            bias, ratio = own_bias(model, operator), before[taken] / scale
            set_bias_integers(model, bias, bias_integers(model, bias) * ratio)
            bias.quantization.scale = np.asarray(bias.quantization.scale) / ratio
