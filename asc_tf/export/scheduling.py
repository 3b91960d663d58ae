"""The order of a .tflite file's operators that needs the least memory. Needs no TensorFlow."""

from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.memory_plan import bytes_of, is_constant, least_bytes
from asc_tf.runtime.sharing_builder import packed


def scheduled(content):
    """A file's bytes with its operators in an order that keeps fewer bytes of feature maps at once.

    The converter places an operator as early as its inputs allow, so that maps wait for the operator that reads them.
    Here the next operator is the one that can run and adds the least memory: the bytes that it writes less those that
    nothing reads after it (`least_growth_order`). If the converter's order is as good, it stays.

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
    before, bytes_before = graph.operators, least_bytes(model, graph)
    order = least_growth_order(steps, sizes, [int(index) for index in graph.outputs])
    graph.operators = [before[index] for index in order]
    if least_bytes(model, graph) >= bytes_before:
        graph.operators = before
    return packed(model)


def least_growth_order(steps, sizes, outputs):
    """Indices of steps, each the one that can run and adds the least memory, of several the earliest.

    Args:
        steps: list of (tensors read, tensors written).
        sizes: {tensor: bytes}.
        outputs: tensors that are wanted in the end.
    """
    readers = dict.fromkeys(sizes, 0)
    for read, _ in steps:
        for tensor in set(read):
            readers[tensor] += 1
    for tensor in outputs:
        readers[tensor] += 1
    written = {tensor for _, outputs_of_step in steps for tensor in outputs_of_step}
    there = set(sizes) - written
    left, order = list(range(len(steps))), []

    def growth(index):
        read, wrote = steps[index]
        freed = sum(sizes[tensor] for tensor in set(read) if readers[tensor] == 1)
        return sum(sizes[tensor] for tensor in wrote) - freed

    while left:
        ready = [index for index in left if there.issuperset(steps[index][0])]
        best = min(ready, key=lambda index: (growth(index), index))
        left.remove(best)
        order.append(best)
        there.update(steps[best][1])
        for tensor in set(steps[best][0]):
            readers[tensor] -= 1
    return order
