"""One scale for feature maps that are parts of each other, in place of operators that change scales. No TensorFlow."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import HIGHEST, LOWEST, SAME_SCALE, kind_of, set_scale
from asc_tf.runtime.sharing_builder import packed

_KIND = schema.BuiltinOperator
_FIXED = {_KIND.LOGISTIC, _KIND.TANH, _KIND.SOFTMAX}  # their outputs have the scale that the format says


def with_shared_scales(content):
    """A file's bytes without operators that only change the scale of an 8-bit map.

    The converter gives each map the scale of its own range. If parts of one map are joined with parts of another, it
    rounds them anew, in an operator of its own. Here all of them get the scale of their common range.

    Args:
        content: bytes of a file with one subgraph, as the converter writes it.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    changes = [operator for operator in graph.operators if _changes_scale(model, graph, operator)]
    kept = {int(index) for index in (*graph.inputs, *graph.outputs)}
    kept |= {int(op.outputs[0]) for op in graph.operators if kind_of(model, op) in _FIXED}
    removed = []
    for group in _groups(model, graph, changes):
        if kept.isdisjoint(group):
            _share(model, group)
            removed += [operator for operator in changes if int(operator.inputs[0]) in group]
    _remove(graph, removed)
    return packed(model)


def _changes_scale(model, graph, operator):
    if kind_of(model, operator) != _KIND.QUANTIZE:
        return False
    return all(graph.tensors[ends[0]].type == schema.TensorType.INT8 for ends in (operator.inputs, operator.outputs))


def _groups(model, graph, changes):
    """Sets of the maps that have to share a scale so that these operators change none."""
    groups = {}
    for operator in graph.operators:
        if operator not in changes and kind_of(model, operator) not in SAME_SCALE:
            continue
        ends = {int(index) for index in (*operator.inputs, *operator.outputs) if index >= 0}
        joined = {index for index in ends if graph.tensors[index].type == schema.TensorType.INT8}
        for index in list(joined):
            joined |= groups.get(index, set())
        groups.update(dict.fromkeys(joined, joined))
    wanted = {id(groups[int(operator.inputs[0])]): groups[int(operator.inputs[0])] for operator in changes}
    return list(wanted.values())


def _share(model, group):
    """Give tensors one scale, of their common range."""
    quantizations = [model.subgraphs[0].tensors[index].quantization for index in group]
    scales, zeros = (np.array([getattr(q, name)[0] for q in quantizations], float) for name in ("scale", "zeroPoint"))
    low, high = (scales * (LOWEST - zeros)).min(), (scales * (HIGHEST - zeros)).max()
    scale = (high - low) / (HIGHEST - LOWEST)
    set_scale(model, group, scale, int(np.clip(round(LOWEST - low / scale), LOWEST, HIGHEST)))


def _remove(graph, operators):
    """Remove operators; their outputs' readers read their inputs."""
    names = {int(operator.outputs[0]): int(operator.inputs[0]) for operator in operators}
    graph.operators = [operator for operator in graph.operators if operator not in operators]
    for operator in graph.operators:
        operator.inputs = [_followed(names, int(index)) for index in operator.inputs]


def _followed(names, index):
    while index in names:
        index = names[index]
    return index
