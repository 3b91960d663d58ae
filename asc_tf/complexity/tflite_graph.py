"""The graph inside a .tflite file, read from the flatbuffer through LiteRT's own schema. Needs no TensorFlow."""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.parameters import BITS

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Args:
        index: in the file.
        name: as the converter gave it.
        shape: with the batch.
        dtype: "float32" and so on.
        buffer: number of the buffer that holds its data, shared by tensors of equal data; None for features.
        nonzeros: of its data, those that do not stand for zero.
        quantized: whether a scale belongs to it.
    """

    index: int
    name: str
    shape: tuple
    dtype: str
    buffer: int | None = None
    nonzeros: int = 0
    quantized: bool = False

    @property
    def count(self):
        return math.prod(self.shape)

    @property
    def bytes(self):
        return -(-self.count * BITS[self.dtype] // 8)


@dataclass(frozen=True)
class Operator:
    """One operator: its name in capitals, its input tensors (None where one is left out) and its output tensors."""

    name: str
    inputs: tuple
    outputs: tuple


@dataclass(frozen=True)
class Graph:
    """The first subgraph, which inference runs: operators in the order of execution, inputs and outputs."""

    operators: list
    inputs: list
    outputs: list


def read_graph(model_bytes):
    """The `Graph` of a .tflite file's bytes. A damaged file may raise any exception."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    subgraph = model.subgraphs[0]
    buffers = [_data(buffer, model_bytes) for buffer in model.buffers]
    tensors = [_tensor(index, tensor, buffers) for index, tensor in enumerate(subgraph.tensors)]
    operators = []
    for operator in subgraph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        # The old field has 8 bits; codes beyond 127 stand in the new one alone.
        name = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name == "CUSTOM":
            name = f"CUSTOM {_text(code.customCode)}"
        inputs = tuple(None if index < 0 else tensors[index] for index in operator.inputs)
        operators.append(Operator(name, inputs, tuple(tensors[_positive(index)] for index in operator.outputs)))
    ends = ([tensors[_positive(index)] for index in indices] for indices in (subgraph.inputs, subgraph.outputs))
    return Graph(operators, *ends)


def _data(buffer, model_bytes):
    """A buffer's bytes as an array; in files of 2 GB and more they stand behind the flatbuffer."""
    if buffer.offset > 1:
        return np.frombuffer(model_bytes, np.uint8, buffer.size, buffer.offset)
    return np.zeros(0, np.uint8) if buffer.data is None else np.asarray(buffer.data, np.uint8)


def _tensor(index, tensor, buffers):
    shape = () if tensor.shape is None else tuple(int(length) for length in tensor.shape)
    if min(shape, default=1) < 0:
        raise ValueError(f"a length of {min(shape)}")
    dtype, data = _TYPES[tensor.type], buffers[_positive(tensor.buffer)]
    quantization = tensor.quantization
    quantized = quantization is not None and quantization.scale is not None and len(quantization.scale) > 0
    known = {"index": index, "name": _text(tensor.name), "shape": shape, "dtype": dtype, "quantized": quantized}
    if not len(data) or dtype not in BITS:
        return Tensor(**known)
    if tensor.sparsity is None and len(data) * 8 < math.prod(shape) * BITS[dtype]:
        raise ValueError(f"{len(data)} bytes for {shape}")
    numbers = _numbers(data, dtype, None if tensor.sparsity else math.prod(shape))
    if quantized and not tensor.sparsity:
        numbers = numbers - _zero_points(quantization, shape)
    return Tensor(**known, buffer=tensor.buffer, nonzeros=int(np.count_nonzero(numbers)))


def _numbers(data, dtype, count):
    """The numbers of a buffer, whatever their order; all of them if `count` is None."""
    if dtype == "int4":
        numbers = np.stack([data & 15, data >> 4], axis=-1).reshape(-1)
    elif dtype == "bfloat16":
        numbers = data[: len(data) // 2 * 2].view(np.uint16) & 0x7FFF
    else:
        bytes_each = BITS[dtype] // 8
        numbers = data[: len(data) // bytes_each * bytes_each].view(dtype)
    return numbers[:count]


def _zero_points(quantization, shape):
    """Zero points that broadcast over the flat numbers of a tensor."""
    points = np.asarray(quantization.zeroPoint if quantization.zeroPoint is not None else [0], np.int64)
    if len(points) == 1 or not points.any():
        return points[:1]
    axes = [1] * len(shape)
    axes[quantization.quantizedDimension] = len(points)
    return np.broadcast_to(points.reshape(axes), shape).reshape(-1)


def _positive(index):
    if index < 0:
        raise IndexError(index)
    return index


def _text(name):
    return name.decode(errors="replace") if name else ""
