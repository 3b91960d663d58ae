"""The part of the features that each position of a map in a .tflite file sees. Needs no TensorFlow."""

import math

import numpy as np

_NOTHING = np.array([2**20, -(2**20), 2**20, -(2**20)], np.int32)  # sees no bin and no frame
_WINDOWS = {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"}
_SAME_ORDER = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
_PRODUCTS_OF_ALL = {"BATCH_MATMUL", "FULLY_CONNECTED"}


def seen_by_places(graph, shape, wanted):
    """Bins and frames that the positions of a map see, counted as `receptive_fields` counts with pooling.

    Each number carries the bounds of the part that it sees: operators that move numbers move the bounds, those with a
    window take the widest bounds in it. So the bounds also pass convolutions that the exporter cut into bands or
    blocks. Means over a whole axis see everything and are left out along it.

    Args:
        graph: `tflite_graph.Graph`.
        shape: (frequency, time) of the features.
        wanted: index of the map's tensor, [1, frequency, time, channel].

    Returns:
        ([(first, last)] bins of each row, [(first, last)] frames of each column); None if an operator on the way is
        unknown here.
    """
    bounds = {}
    for tensor in graph.inputs:
        _begin(tensor, shape, bounds)
    for operator in graph.operators:
        inputs = [bounds.get(tensor.index) if tensor is not None else None for tensor in operator.inputs]
        for output in operator.outputs:
            if all(each is None for each in inputs):
                _begin(output, shape, bounds)
                continue
            found = _through(operator, inputs, output)
            if found is None:
                return None
            bounds[output.index] = found
            if output.index == wanted:
                first_bin, last_bin, first_frame, last_frame = _widest(found, (0, 3), keepdims=False)
                rows = zip(first_bin.min(axis=1).tolist(), last_bin.max(axis=1).tolist(), strict=True)
                columns = zip(first_frame.min(axis=0).tolist(), last_frame.max(axis=0).tolist(), strict=True)
                return list(rows), list(columns)
    return None


def _begin(tensor, shape, bounds):
    """Bounds of the features themselves: each number sees its own bin and frame."""
    if tensor.shape[:3] == (1, *shape):
        rows, columns = np.indices(tensor.shape, np.int32)[1:3]
        bounds[tensor.index] = np.stack([rows, rows, columns, columns])


def _through(operator, inputs, output):
    """Bounds [4, *shape] of an operator's output; None if the operator is unknown."""
    name, given, shape = operator.name, next(each for each in inputs if each is not None), output.shape
    if None in shape:
        return None
    if name in _SAME_ORDER:
        return given.reshape(4, *shape)
    if name in _PRODUCTS_OF_ALL:
        return _empty(shape)
    if name in _WINDOWS:
        return _window(operator, given, shape)
    if name in ("MEAN", "SUM"):
        return _mean(given, operator.inputs[1].integers, shape)
    if name in ("PAD", "PADV2"):
        before = np.reshape(operator.inputs[1].integers, (-1, 2))[:, 0]
        padded = _empty(shape)
        padded[(slice(None), *map(slice, before, before + given.shape[1:]))] = given
        return padded
    if name == "SLICE":
        return given[
            (slice(None), *map(slice, operator.inputs[1].integers, np.add(operator.inputs[1].integers, shape)))
        ]
    if name == "STRIDED_SLICE":
        begins, steps = operator.inputs[1].integers, operator.inputs[3].integers
        begins = [0 if operator.options.beginMask >> axis & 1 else begin for axis, begin in enumerate(begins)]
        taken = [slice(begin, None, step) for begin, step in zip(begins, steps, strict=True)]
        return given[(slice(None), *taken)][(slice(None), *map(slice, shape))]
    if name == "CONCATENATION":
        parts = [_empty(t.shape) if one is None else one for t, one in zip(operator.inputs, inputs, strict=True)]
        return np.concatenate(parts, axis=1 + operator.options.axis % len(shape))
    if name == "TRANSPOSE":
        return given.transpose(0, *(1 + axis for axis in operator.inputs[1].integers))
    if name == "SPACE_TO_DEPTH":
        size, (_, rows, columns, _) = operator.options.blockSize, shape
        blocks = given.reshape(4, 1, rows, size, columns, size, -1)
        return blocks.transpose(0, 1, 2, 4, 3, 5, 6).reshape(4, *shape)
    try:
        every = [np.broadcast_to(_expanded(each, len(shape)), (4, *shape)) for each in inputs if each is not None]
    except ValueError:  # it does not work element by element
        return None
    return _widest(np.stack(every, axis=1), (0,), keepdims=False)


def _expanded(bounds, rank):
    return bounds.reshape(4, *[1] * (rank + 1 - bounds.ndim), *bounds.shape[1:])


def _empty(shape):
    return np.broadcast_to(_NOTHING.reshape(4, *[1] * len(shape)), (4, *shape)).copy()


def _widest(bounds, axes, keepdims=True):
    """The first and last positions seen, over axes of the tensor."""
    firsts_and_lasts = zip(bounds, (np.min, np.max) * 2, strict=True)
    return np.stack([extreme(each, axis=axes, keepdims=keepdims) for each, extreme in firsts_and_lasts])


def _mean(bounds, axes, shape):
    """Along the axes of the mean nothing is seen, along the others the range of the averaged numbers."""
    seen = _widest(bounds, tuple(axis % (bounds.ndim - 1) for axis in axes))
    for axis, pair in ((1, slice(0, 2)), (2, slice(2, 4))):
        if axis in axes:
            seen[pair] = _NOTHING[pair].reshape(2, *[1] * (seen.ndim - 1))
    return seen.reshape(4, *shape)


def _window(operator, bounds, shape):
    """The widest bounds in each window of a convolution or pooling."""
    options = operator.options
    if operator.name.endswith("POOL_2D"):
        sizes, dilations = (options.filterHeight, options.filterWidth), (1, 1)
    else:
        kernel = operator.inputs[1].shape
        sizes, dilations = kernel[1:3], (options.dilationHFactor, options.dilationWFactor)
    strides = options.strideH, options.strideW
    if operator.name == "CONV_2D":
        bounds = _widest(bounds, (3,))
    margins = [
        _margins(length, size, stride, dilation, options.padding)
        for length, size, stride, dilation in zip(bounds.shape[2:4], sizes, strides, dilations, strict=True)
    ]
    padded = _empty((1, *(n + sum(m) for n, m in zip(bounds.shape[2:4], margins, strict=True)), bounds.shape[4]))
    padded[:, :, margins[0][0] :, margins[1][0] :][:, :, : bounds.shape[2], : bounds.shape[3]] = bounds
    result = _empty((*shape[:3], bounds.shape[4]))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            first = row * dilations[0], column * dilations[1]
            part = padded[:, :, first[0] :: strides[0], first[1] :: strides[1]][:, :, : shape[1], : shape[2]]
            result[0::2] = np.minimum(result[0::2], part[0::2])
            result[1::2] = np.maximum(result[1::2], part[1::2])
    return np.broadcast_to(result, (4, *shape)) if bounds.shape[4] == 1 else result


def _margins(length, size, stride, dilation, padding):
    """Numbers of padding before and after an axis; 0 is the schema's SAME."""
    if padding != 0:
        return 0, 0
    both = max((math.ceil(length / stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
    return both // 2, both - both // 2
