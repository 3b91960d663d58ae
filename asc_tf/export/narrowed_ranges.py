"""Ranges of an 8-bit .tflite file's feature maps, narrowed to where they err least. Needs no TensorFlow."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.intermediate_maps import values_of
from asc_tf.export.operators import AFFINE, HIGHEST, LOWEST, SAME_SCALE, kind_of, set_scale
from asc_tf.runtime.sharing_builder import packed

_KIND = schema.BuiltinOperator
_ARITHMETIC = {_KIND.ADD, _KIND.SUB, _KIND.MUL}
_READERS = {*AFFINE, *_ARITHMETIC, _KIND.MEAN, _KIND.SUM, _KIND.BATCH_MATMUL, _KIND.DEQUANTIZE}
_SHARES = np.linspace(1.0, 0.3, 15)
"""Of the range that calibration found, each side by itself."""


def with_narrowed_ranges(content, features):
    """Narrow the range of every feature map of an 8-bit file to that of the least squared error on given clips.

    Calibration takes a map's extremes. A few large values behind a ReLU or a normalization then cost all others their
    precision: with a range of 20 standard deviations, a step is a twelfth of one. Here the largest values are cut off
    as far as the finer steps gain more than the cut loses. The operators stay the same, so a file of the same size and
    latency results. The graph's inputs and outputs keep their ranges, as do maps that operators of fixed scales make.

    Args:
        content: bytes of a file of one subgraph.
        features: [clips, frequency, time, channel].

    Reference: after Banner et al., "Post Training 4-bit Quantization of Convolutional Networks for Rapid-Deployment",
    NeurIPS 2019, section 3, with the measured distribution in place of a Laplacian.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    groups = _groups(model)
    if not groups:
        return content
    counts = _counts(model, [index for group in groups for index in group], features)
    for group in groups:
        _narrow(model, group, sum(counts[index] for index in group))
    return packed(model)


def _groups(model):
    """Lists of tensors, each of one scale, that may get another one."""
    graph = model.subgraphs[0]
    group_of, fixed = {}, {int(index) for index in (*graph.inputs, *graph.outputs)}
    for operator in graph.operators:
        maps = [int(i) for i in (*operator.inputs, *operator.outputs) if i >= 0 and _is_map(model, int(i))]
        for index in maps:
            group_of.setdefault(index, [index])
        kind = kind_of(model, operator)
        if kind in SAME_SCALE:
            for index in maps[1:]:
                _join(group_of, maps[0], index)
            continue
        if kind not in _READERS:
            fixed.update(int(index) for index in operator.inputs)
        if kind not in AFFINE | _ARITHMETIC:
            fixed.update(int(index) for index in operator.outputs)
    distinct = {id(group): group for group in group_of.values()}.values()
    return [group for group in distinct if not fixed.intersection(group) and _have_one_scale(graph, group)]


def _have_one_scale(graph, group):
    scales = [graph.tensors[index].quantization for index in group]
    return len({(float(each.scale[0]), int(each.zeroPoint[0])) for each in scales}) == 1


def _is_map(model, index):
    """Whether a tensor is an 8-bit one that an operator writes or the graph takes."""
    tensor = model.subgraphs[0].tensors[index]
    data = model.buffers[tensor.buffer].data
    return tensor.type == schema.TensorType.INT8 and (data is None or not len(data))


def _join(group_of, one, other):
    group, added = group_of[one], group_of[other]
    if group is not added:
        group += added
        group_of.update(dict.fromkeys(added, group))


def _counts(model, tensors, features):
    """{tensor: how often each of the 256 numbers occurs in it}."""
    counts = {index: np.zeros(HIGHEST - LOWEST + 1, np.int64) for index in tensors}
    for values in values_of(model, tensors, features):
        for index, numbers in values.items():
            counts[index] += np.bincount(numbers.ravel().astype(np.int64) - LOWEST, minlength=len(counts[index]))
    return counts


def _narrow(model, group, counts):
    """Give the tensors of a group the best range for values of these counts."""
    before = model.subgraphs[0].tensors[group[0]].quantization
    old = float(before.scale[0])
    scale, zero_point = _best(old, int(before.zeroPoint[0]), counts)
    if scale != old:
        set_scale(model, set(group), scale, zero_point)


def _best(scale, zero_point, counts):
    """(scale, zero point) of the least squared error of cutting off and rounding; zero stays exact."""
    numbers = np.arange(LOWEST, HIGHEST + 1)
    values = scale * (numbers - zero_point)
    best = (np.inf, scale, zero_point)
    for above in _SHARES if values[-1] > 0 else (1.0,):
        for below in _SHARES if values[0] < 0 else (1.0,):
            low, high = below * values[0], above * values[-1]
            step = scale if above == below == 1.0 else (high - low) / (HIGHEST - LOWEST)
            cut = values - np.clip(values, low, high)
            rounding = step**2 / 12 * (values != 0)
            error = float(counts @ (cut**2 + rounding))
            if error < best[0]:
                best = (error, step, zero_point if step == scale else int(np.rint(LOWEST - low / step)))
    return best[1:]
