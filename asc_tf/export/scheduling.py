"""The order of a .tflite file's operators that needs the least memory. Needs no TensorFlow."""

import functools
import random

from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.memory_plan import bytes_of, is_constant, least_bytes, planned_height
from asc_tf.runtime.sharing_builder import packed

_TRIALS, _PLANS = 200, 10


def scheduled(content):
    """A file's bytes with its operators in an order that keeps fewer bytes of feature maps at once.

    The converter places an operator as early as its inputs allow, so that maps wait for the operator that reads them.
    Here the next operator is the one that can run and adds the least memory: the bytes that it writes less those that
    nothing reads after it (`least_growth_order`). What is best for one step need not be best for all: some orders that
    deviate from it at random, always the same ones, are tried too. Those with the least bytes at once get a plan of
    the arena (`memory_plan`), and the one with the lowest plan is taken. The converter's order takes part.

    Args:
        content: bytes of a file with one subgraph, without control flow and variables.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    sizes = {index: bytes_of(tensor) for index, tensor in enumerate(graph.tensors) if not is_constant(model, tensor)}
    steps = [
        ([int(i) for i in operator.inputs if i in sizes], [int(i) for i in operator.outputs])
        for operator in graph.operators
    ]
    outputs = [int(index) for index in graph.outputs]
    before, generator = graph.operators, random.Random(0)
    orders = [range(len(steps)), least_growth_order(steps, sizes, outputs)]
    orders += [least_growth_order(steps, sizes, outputs, generator) for _ in range(_TRIALS)]

    def of(measure, order):
        graph.operators = [before[index] for index in order]
        return measure(model, graph)

    orders = sorted(orders, key=functools.partial(of, least_bytes))[:_PLANS]
    best = min(orders, key=functools.partial(of, planned_height))
    graph.operators = [before[index] for index in best]
    return packed(model)


def least_growth_order(steps, sizes, outputs, generator=None):
    """Indices of steps, each the one that can run and adds the least memory, of several the earliest.

    Args:
        steps: list of (tensors read, tensors written).
        sizes: {tensor: bytes}.
        outputs: tensors that are wanted in the end.
        generator: `random.Random` by which a step's growth seems up to 4 times larger or smaller; None sees it right.
    """
    readers, readers_of = dict.fromkeys(sizes, 0), {}
    for index, (read, _) in enumerate(steps):
        for tensor in set(read):
            readers[tensor] += 1
            readers_of.setdefault(tensor, []).append(index)
    for tensor in outputs:
        readers[tensor] += 1
    written = {tensor for _, outputs_of_step in steps for tensor in outputs_of_step}
    missing = [len(written.intersection(read)) for read, _ in steps]
    seen_as = [1 if generator is None else 4 ** generator.uniform(-1, 1) for _ in steps]
    ready, order = {index for index, number in enumerate(missing) if not number}, []

    def growth(index):
        read, wrote = steps[index]
        freed = sum(sizes[tensor] for tensor in set(read) if readers[tensor] == 1)
        return (sum(sizes[tensor] for tensor in wrote) - freed) * seen_as[index]

    while ready:
        best = min(ready, key=lambda index: (growth(index), index))
        ready.remove(best)
        order.append(best)
        for tensor in set(steps[best][0]):
            readers[tensor] -= 1
        for index in {index for tensor in steps[best][1] for index in readers_of.get(tensor, ())}:
            missing[index] -= len(set(steps[best][1]).intersection(steps[index][0]))
            if not missing[index]:
                ready.add(index)
    return order
