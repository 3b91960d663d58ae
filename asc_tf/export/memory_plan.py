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
_TYPES = {number: name.lower() for name, number in vars(schema.TensorType).items() if not name.startswith("_")}


@dataclass(frozen=True)
class _Search:
    """A random walk over orders: blocks of `large` times the largest take part; see `_searched_order`."""

    large: float
    steps: int
    warmth: float


_QUICK, _COLD, _WARM = _Search(1 / 16, 300, 0), _Search(1 / 64, 1000, 0), _Search(1 / 64, 1000, 1 / 150)
_SEARCHES = (_QUICK, *(_WARM, _COLD) * 4)


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
    return _most_at_once(_blocks(model, graph))


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
    """Bytes of the maps by a quick plan; `with_memory_plan` may find a lower one."""
    plan = _packed_blocks(_blocks(model, graph), searches=_SEARCHES[:1])
    return max((at + block.size for block, at in plan), default=0)


def _packed_blocks(blocks, searches=_SEARCHES):
    """[(block, offset)]: the best of some orders, each block as low as those before it allow."""
    beside, fewest, best, least = _beside(blocks), _most_at_once(blocks), {}, math.inf
    for seed, search in enumerate(searches):
        order = _searched_order(blocks, search, random.Random(seed))
        offsets = _placed(order, beside)
        height = _height(order, offsets)
        if height < least:
            best, least = offsets, height
        if least == fewest:
            break
    return [(block, best[id(block)]) for block in blocks]


def _searched_order(blocks, search, generator):
    """The best order on a random walk over the large blocks, and the small ones after it, which fit between them.

    In each step a block at the top and one at random move forward. They stay there if that needs no more memory, and on
    a warm walk sometimes even then, the less likely the more it needs and the later it is (simulated annealing).
    """
    least_of_large = max((block.size for block in blocks), default=0) * search.large
    large = [block for block in blocks if block.size >= least_of_large]
    small = sorted((block for block in blocks if block.size < least_of_large), key=lambda block: -block.size)
    beside = _beside(large)
    starts = [
        sorted(large, key=lambda block: (-block.size, block.first)),
        sorted(large, key=lambda block: (block.first, -block.size)),
        sorted(large, key=lambda block: (-block.size * (block.last - block.first + 1), block.first)),
    ]
    order, offsets = min(((order, _placed(order, beside)) for order in starts), key=lambda pair: _height(*pair))
    most = least = _height(order, offsets)
    best, warmth = order, most * search.warmth
    for step in range(search.steps if large else 0):
        moved = list(order)
        top = [block for block in order if offsets[id(block)] + block.size == most]
        for block in (generator.choice(top), generator.choice(order)):
            place = moved.index(block)
            moved.insert(generator.randint(0, place), moved.pop(place))
        there = _placed(moved, beside)
        more = _height(moved, there) - most
        if more <= 0 or (warmth and generator.random() < math.exp(-more / (warmth * (1 - step / search.steps)))):
            order, offsets, most = moved, there, most + more
        if most < least:
            best, least = order, most
    return [*best, *small]


def _most_at_once(blocks):
    """The most bytes of blocks alive at one step: no plan needs fewer."""
    steps = range(max((block.last for block in blocks), default=-1) + 1)
    return max((sum(block.size for block in blocks if block.first <= step <= block.last) for step in steps), default=0)


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
