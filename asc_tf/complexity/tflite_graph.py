"""The graphs inside a .tflite file, read from the flatbuffer through LiteRT's own schema. Needs no TensorFlow."""

import math
from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.parameters import BITS

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_HANDLES = ("resource", "variant")  # references without numbers of their own
_FEW = 64  # largest size of a tensor of shapes, axes, counters or limits


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Args:
        index: position in the file.
        name: as the converter gave it.
        shape: with the batch; None marks a length that the file leaves open.
        dtype: "float32" and so on.
        buffer: number of its data buffer, which tensors of equal data share; None for features.
        nonzeros: number of elements that do not stand for zero.
        quantized: whether it has a scale.
        integers: its data, flat, if it is stored and holds a few whole numbers or truth values; else None.
        is_state: whether it keeps its numbers from one run to the next.
    """

    index: int
    name: str
    shape: tuple
    dtype: str
    buffer: int | None = None
    nonzeros: int = 0
    quantized: bool = False
    integers: tuple | None = None
    is_state: bool = False

    @property
    def count(self):
        """Number of elements; None if a length is unknown."""
        return None if None in self.shape else math.prod(self.shape)

    @property
    def bytes(self):
        """Bytes of its elements; None if unknown."""
        if self.dtype in _HANDLES:
            return 0
        return None if self.count is None or self.dtype not in BITS else -(-self.count * BITS[self.dtype] // 8)


@dataclass(frozen=True)
class Operator:
    """One operator.

    Args:
        name: in capitals.
        inputs: tensors, None for an omitted one.
        outputs: tensors.
        calls: {role: number of a called graph}, such as {"body": 2, "cond": 1} for a WHILE.
        options: the schema's options object, or None.
    """

    name: str
    inputs: tuple
    outputs: tuple
    calls: dict = field(default_factory=dict)
    options: object = None


@dataclass(frozen=True)
class Graph:
    """One graph of a file: its name, its operators in the order of execution, its inputs and its outputs."""

    name: str
    operators: list
    inputs: list
    outputs: list


def read_graphs(model_bytes, shapes=None):
    """The `Graph`s of a .tflite file's bytes. Inference runs the first one; a damaged file may raise any exception.

    Args:
        model_bytes: of the file.
        shapes: a list of {tensor: shape}, one per graph, for tensors with open shapes.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    buffers = [_data(buffer, model_bytes) for buffer in model.buffers]
    shapes = shapes or [{} for _ in model.subgraphs]
    graphs = [_graph(graph, model, buffers, known) for graph, known in zip(model.subgraphs, shapes, strict=True)]
    graphs[0]  # a file without a graph is not valid
    return graphs


def _graph(subgraph, model, buffers, shapes):
    tensors = [_tensor(index, tensor, buffers, shapes.get(index)) for index, tensor in enumerate(subgraph.tensors)]
    operators = []
    for operator in _list(subgraph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        # The old field has 8 bits; only the new field holds codes beyond 127.
        name = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name == "CUSTOM":
            name = f"CUSTOM {_text(code.customCode)}"
        inputs = tuple(None if index < 0 else tensors[index] for index in _list(operator.inputs))
        outputs = tuple(tensors[_positive(index)] for index in _list(operator.outputs))
        options = operator.builtinOptions or getattr(operator, "builtinOptions2", None)
        operators.append(Operator(name, inputs, outputs, _calls(options), options))
    ends = ([tensors[_positive(index)] for index in _list(ends)] for ends in (subgraph.inputs, subgraph.outputs))
    return Graph(_text(subgraph.name), operators, *ends)


def _calls(options):
    """{role: graph} for the graphs that an operator's options name, and for CALL, which names its graph differently."""
    fields = vars(options) if options is not None else {}
    ends = ("SubgraphIndex", "Subgraph", "subgraph")
    found = {name: index for name, index in fields.items() if name.endswith(ends) and isinstance(index, int)}
    return {name.removesuffix("Index").removesuffix("Subgraph"): _positive(index) for name, index in found.items()}


def _data(buffer, model_bytes):
    """A buffer's bytes as an array; in files of 2 GB and more they lie after the flatbuffer."""
    if buffer.offset > 1:
        return np.frombuffer(model_bytes, np.uint8, buffer.size, buffer.offset)
    return np.zeros(0, np.uint8) if buffer.data is None else np.asarray(buffer.data, np.uint8)


def _tensor(index, tensor, buffers, known_shape):
    shape = tuple(int(length) for length in _list(tensor.shape))
    if min(shape, default=1) < 0:
        raise ValueError(f"a length of {min(shape)}")
    dtype, data = _TYPES[tensor.type], buffers[_positive(tensor.buffer)]
    if not len(data):
        shape = _open_shape(tensor, shape) if known_shape is None else known_shape
    quantization = tensor.quantization
    quantized = quantization is not None and quantization.scale is not None and len(quantization.scale) > 0
    known = {"index": index, "name": _text(tensor.name), "shape": shape, "dtype": dtype, "quantized": quantized}
    known["is_state"] = bool(tensor.isVariable)
    if not len(data) or dtype not in BITS:
        return Tensor(**known)
    if tensor.sparsity is None and len(data) * 8 < math.prod(shape) * BITS[dtype]:
        raise ValueError(f"{len(data)} bytes for {shape}")
    numbers = _numbers(data, dtype, None if tensor.sparsity else math.prod(shape))
    if numbers.dtype.kind in "iub" and not quantized and numbers.size <= _FEW:
        known["integers"] = tuple(numbers.tolist())
    if quantized and not tensor.sparsity:
        numbers = numbers - _zero_points(quantization, shape)
    return Tensor(**known, buffer=tensor.buffer, nonzeros=int(np.count_nonzero(numbers)))


def _open_shape(tensor, shape):
    """The shape with None for lengths that the file leaves open: -1 in its signature, mostly 1 in its shape."""
    signature = _list(tensor.shapeSignature)
    if len(signature) != len(shape):
        return shape
    return tuple(None if each < 0 else length for each, length in zip(signature, shape, strict=True))


def _numbers(data, dtype, count):
    """The numbers of a buffer, in any order; all of them if `count` is None."""
    if dtype == "int4":
        numbers = np.stack([data & 15, data >> 4], axis=-1).reshape(-1)
    elif dtype == "bfloat16":
        numbers = data[: len(data) // 2 * 2].view(np.uint16) & 0x7FFF
    else:
        bytes_each = BITS[dtype] // 8
        numbers = data[: len(data) // bytes_each * bytes_each].view(dtype)
    return numbers[:count]


def _zero_points(quantization, shape):
    """Zero points that broadcast over the flat elements of a tensor."""
    points = np.asarray(quantization.zeroPoint if quantization.zeroPoint is not None else [0], np.int64)
    if len(points) == 1 or not points.any():
        return points[:1]
    axes = [1] * len(shape)
    axes[quantization.quantizedDimension] = len(points)
    return np.broadcast_to(points.reshape(axes), shape).reshape(-1)


def _list(values):
    return [] if values is None else values


def _positive(index):
    if index < 0:
        raise IndexError(index)
    return index


def _text(name):
    return name.decode(errors="replace") if name else ""
