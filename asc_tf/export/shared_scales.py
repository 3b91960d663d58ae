"""Fewer scales and zero points for an 8-bit .tflite file's feature maps. Needs no TensorFlow."""

import copy
import math
from collections import Counter, defaultdict

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import BIAS, bias_integers, has_bias, kind_of, set_bias_integers
from asc_tf.runtime.sharing_builder import packed

COARSER = 1.15  # largest step that a feature map may get, over the one that calibration found
_GRID = 64.38  # scales are powers of 2 ** (1 / _GRID); none is near half another, where every odd value is rounded up
_KIND = schema.BuiltinOperator
_BIASED = (_KIND.CONV_2D, _KIND.DEPTHWISE_CONV_2D, _KIND.FULLY_CONNECTED)
_OF_FIXED_SCALE = (_KIND.LOGISTIC, _KIND.TANH, _KIND.SOFTMAX, _KIND.LOG_SOFTMAX, _KIND.L2_NORMALIZATION)


def with_shared_scales(content):
    """An 8-bit .tflite file's bytes with the fewest quantizations that hold all feature maps' ranges.

    Every map of a converted file has a scale and a zero point of its own, which take as much room as its kernels in a
    network of a few thousand weights. Here a greedy choice covers all maps: a map may have any scale up to COARSER
    times its own and any zero point with which its range stays in, to half a step. `shrunk` then writes each once.
    Biases follow the scales of what their convolutions read. Inputs, outputs and results of operators whose scale the
    format fixes stay as they are, and so does a file without 8-bit maps.

    Args:
        content: bytes, before `shrunk`, as the converter makes them.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        maps = _maps(model, graph)
        shared = _cover(maps)
        for key, indices in maps.items():
            for index in indices:
                record = copy.copy(graph.tensors[index].quantization)
                record.scale, record.zeroPoint = np.array([shared[key][0]], np.float32), [shared[key][1]]
                graph.tensors[index].quantization = record
        finer = {index: key[0] / np.float32(shared[key][0]) for key, indices in maps.items() for index in indices}
        for operator in graph.operators:
            biased = kind_of(model, operator) in _BIASED and has_bias(operator)
            if biased and int(operator.inputs[0]) in finer:
                _rescale_bias(model, graph, operator, finer[int(operator.inputs[0])])
    return packed(model)


def _maps(model, graph):
    """{(scale, zero point): tensors} of 8-bit feature maps that may change; equal ones change together."""
    fixed = {int(index) for index in (*graph.inputs, *graph.outputs)}
    for operator in graph.operators:
        if kind_of(model, operator) in _OF_FIXED_SCALE:
            fixed |= set(map(int, operator.outputs))
    found = defaultdict(list)
    for index, tensor in enumerate(graph.tensors):
        record, constant = tensor.quantization, tensor.buffer and model.buffers[tensor.buffer].data is not None
        if tensor.type == schema.TensorType.INT8 and not constant and record is not None and record.scale is not None:
            found[float(record.scale[0]), int(record.zeroPoint[0])].append(index)
    return {key: indices for key, indices in found.items() if not fixed & set(indices)}


def _cover(keys):
    """{(scale, zero point): the one that it becomes}, of a few that are chosen for all: the finest that holds it.

    Chosen is again and again what serves most of those that are left; of what serves as many, one whose scale, zero
    point or both are there already, as each is written once too.
    """
    candidates = {key: set(_candidates(*key)) for key in keys}
    left, chosen, exponents, zero_points = set(candidates), set(), set(), set()
    while left:
        uses = Counter(candidate for key in left for candidate in candidates[key])
        most = max(uses.values())
        best = min(
            (candidate for candidate, count in uses.items() if count == most),
            key=lambda candidate: (-(candidate[0] in exponents) - 1.5 * (candidate[1] in zero_points), candidate),
        )
        chosen.add(best), exponents.add(best[0]), zero_points.add(best[1])
        left = {key for key in left if best not in candidates[key]}
    finest = {key: min(chosen & candidates[key]) for key in candidates}
    return {key: (2.0 ** (exponent / _GRID), zero_point) for key, (exponent, zero_point) in finest.items()}


def _candidates(scale, zero_point):
    """(exponent of the scale, zero point) of what may stand for one quantization."""
    lowest, highest = (-128 - zero_point) * scale, (127 - zero_point) * scale
    first, last = (math.log2(value) * _GRID for value in (scale, scale * COARSER))
    for exponent in range(math.ceil(first - 1e-6), math.floor(last) + 1):
        step = 2.0 ** (exponent / _GRID)
        start, end = math.ceil(-128.5 - lowest / step), math.floor(127.5 - highest / step)
        yield from ((exponent, number) for number in range(max(start, -128), min(end, 127) + 1))


def _rescale_bias(model, graph, operator, finer):
    """Give an operator a bias of its own, in steps of its input's new scale times its kernel's."""
    old = graph.tensors[operator.inputs[BIAS]]
    bias = copy.copy(old)
    set_bias_integers(model, bias, bias_integers(model, old) * finer)
    bias.quantization = copy.copy(old.quantization)
    bias.quantization.scale = np.asarray(old.quantization.scale, np.float32) / np.float32(finer)
    graph.tensors.append(bias)
    operator.inputs = [*map(int, operator.inputs)]
    operator.inputs[BIAS] = len(graph.tensors) - 1
