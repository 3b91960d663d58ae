"""Places of a .tflite file's feature maps in the arena of TensorFlow Lite for Microcontrollers, stored in the file.

Needs no TensorFlow.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import kind_of
from asc_tf.runtime.sharing_builder import packed

ENTRY = b"OfflineMemoryAllocation"
_VERSION, _HEADER, _ALIGNMENT, _ELSEWHERE = 1, 3, 16, -1
_KIND = schema.BuiltinOperator
# Operators that read a number before they write the number at the same place, in every kernel.
_IN_PLACE = {_KIND.ADD, _KIND.SUB, _KIND.MUL, _KIND.RESHAPE, _KIND.LOGISTIC, _KIND.RELU}
_TRIALS = 300
_TYPES = {number: name.lower() for name, number in vars(schema.TensorType).items() if not name.startswith("_")}


@dataclass(eq=False)
class _Block:
    """Memory of one map, or of maps that take each other's place: alive from step `first` to step `last`."""

    tensors: list
    size: int
    first: int
    last: int


def with_memory_plan(content):
    """A file's bytes with a plan of its arena, in less memory than the interpreter finds by itself.

    A sum or a product takes the place of an input that nothing reads after it. The interpreter's own planner knows
    nothing of this, and leaves gaps. Other runtimes ignore the plan.

    Args:
        content: bytes of a file with one subgraph, without control flow and variables. Its tensors must not change
            afterwards.

    Reference: TensorFlow Lite for Microcontrollers, memory_management.md, "offline planned tensor allocations".
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    offsets = [_ELSEWHERE] * len(graph.tensors)
    for block, offset in _packed_blocks(_blocks(model, graph)):
        for tensor in block.tensors:
            offsets[tensor] = offset
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(np.array([_VERSION, 0, len(offsets), *offsets], np.int32).tobytes(), np.uint8)
    entry.name, entry.buffer = ENTRY.decode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return packed(model)


def planned_bytes(content):
    """Bytes of feature maps by the plan in a file, or None if it has none."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    entries = [entry for entry in model.metadata or [] if entry.name == ENTRY]
    if not entries:
        return None
    offsets = np.frombuffer(bytes(bytearray(model.buffers[entries[0].buffer].data)), np.int32)[_HEADER:]
    tensors = model.subgraphs[0].tensors
    return max(int(at) + _aligned(bytes_of(tensor)) for at, tensor in zip(offsets, tensors, strict=True) if at >= 0)


def least_bytes(model, graph):
    """The most bytes of maps alive at once, where those that can take each other's place do."""
    alive = [0] * (len(graph.operators) + 2)
    for block in _blocks(model, graph):
        for step in range(block.first, block.last + 1):
            alive[step] += block.size
    return max(alive)


def bytes_of(tensor):
    """Bytes of a tensor's numbers."""
    sizes = (int(size) for size in (tensor.shape if tensor.shape is not None else ()))
    return math.prod(sizes) * np.dtype(_TYPES[tensor.type]).itemsize


def is_constant(model, tensor):
    """Whether a tensor's numbers are stored in the file."""
    return bool(tensor.buffer) and model.buffers[tensor.buffer].data is not None


def _aligned(size):
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _blocks(model, graph):
    """A list of `_Block` for all maps of a graph."""
    first, last = {int(index): 0 for index in graph.inputs}, {int(index): 0 for index in graph.inputs}
    for step, operator in enumerate(graph.operators, 1):
        for index in map(int, operator.outputs):
            first[index] = last[index] = step
        for index in map(int, operator.inputs):
            if index in first:
                last[index] = step
    last.update({int(index): len(graph.operators) + 1 for index in graph.outputs})
    blocks = {
        index: _Block([index], _aligned(bytes_of(graph.tensors[index])), first[index], last[index]) for index in first
    }
    for step, operator in enumerate(graph.operators, 1):
        given = _replaced(model, graph, operator, step, last)
        if given is not None:
            taken = int(operator.outputs[0])
            blocks[given].tensors.append(taken)
            blocks[given].last = last[taken]
            blocks[taken] = blocks[given]
    return list({id(block): block for block in blocks.values()}.values())


def _replaced(model, graph, operator, step, last):
    """The input whose place an operator's output takes, or None."""
    if kind_of(model, operator) not in _IN_PLACE:
        return None
    size = bytes_of(graph.tensors[operator.outputs[0]])
    for index in map(int, operator.inputs):
        if last.get(index) == step and bytes_of(graph.tensors[index]) == size:
            return index
    return None


def planned_height(model, graph):
    """Bytes of the maps by the plan that `with_memory_plan` would make."""
    return max((at + block.size for block, at in _packed_blocks(_blocks(model, graph))), default=0)


def _packed_blocks(blocks):
    """[(block, offset)]: the best of some orders, each block as low as those before it allow.

    The search is over the large blocks: of their best order so far a block at the top, and one at random, move forward,
    and stay there if that is no worse. Small blocks fit between them.
    """
    least_of_large = max((block.size for block in blocks), default=0) / 16
    large = [block for block in blocks if block.size >= least_of_large]
    small = sorted((block for block in blocks if block.size < least_of_large), key=lambda block: -block.size)
    beside = _beside(large)
    generator = random.Random(0)
    starts = [
        sorted(large, key=lambda block: (-block.size, block.first)),
        sorted(large, key=lambda block: (block.first, -block.size)),
        sorted(large, key=lambda block: (-block.size * (block.last - block.first + 1), block.first)),
    ]
    order, offsets = min(((order, _placed(order, beside)) for order in starts), key=lambda pair: _height(*pair))
    for _ in range(_TRIALS if large else 0):
        most, moved = _height(order, offsets), list(order)
        top = [block for block in order if offsets[id(block)] + block.size == most]
        for block in (generator.choice(top), generator.choice(order)):
            place = moved.index(block)
            moved.insert(generator.randint(0, place), moved.pop(place))
        order, offsets = min(((moved, _placed(moved, beside)), (order, offsets)), key=lambda pair: _height(*pair))
    offsets = _placed([*order, *small], _beside(blocks))
    return [(block, offsets[id(block)]) for block in blocks]


def _height(blocks, offsets):
    return max((offsets[id(block)] + block.size for block in blocks), default=0)


def _beside(blocks):
    """{id of a block: [(id, bytes)] of those that live at the same time}."""
    return {
        id(block): [
            (id(other), other.size)
            for other in blocks
            if other is not block and other.first <= block.last and block.first <= other.last
        ]
        for block in blocks
    }


def _placed(order, beside):
    """{id of a block: offset}."""
    offsets = {}
    for block in order:
        taken = sorted((offsets[other], size) for other, size in beside[id(block)] if other in offsets)
        offset = 0
        for low, size in taken:
            if offset + block.size <= low:
                break
            if low + size > offset:
                offset = low + size
        offsets[id(block)] = offset
    return offsets
