"""The receptive field of a Keras model, along frequency and along time."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import tf_keras as keras

from asc_tf.complexity.account import FRONTEND

AXES = (1, 2)


@dataclass(frozen=True)
class Reach:
    """The input range that one number of a feature map sees along one axis, in bins or frames of the input.

    Number i sees the inputs from i * step - before to i * step + after.
    """

    before: Fraction = Fraction(0)
    after: Fraction = Fraction(0)
    step: Fraction = Fraction(1)

    @property
    def size(self):
        return int(self.before + self.after) + 1

    def through(self, kernel, stride, padding):
        """Reach of a window of `kernel` numbers over numbers of this reach, with `padding` of them before the first."""
        return Reach(
            self.before + self.step * padding,
            self.after + self.step * (kernel - 1 - padding),
            self.step * stride,
        )

    def join(self, other):
        """Reach of a sum or concatenation of two maps: the branch that sees less does not shrink the field."""
        return Reach(max(self.before, other.before), max(self.after, other.after), min(self.step, other.step))


def receptive_fields(calls):
    """Receptive field of a model, in two ways of counting.

    A window of k numbers, d apart, over numbers that lie j inputs apart adds (k - 1) * d * j to the field; a stride s
    multiplies j by s. Pooling strides count both ways, pooling windows only in the second: the papers' 109x109 of
    BC-ResNet-ASC is the first, and the two max-poolings make it 115x115.

    Means over a whole axis (ResNorm, frequency averaging, the pooling at the end) and dense layers see everything and
    would hide the number; they are left out, as in the papers.

    Args:
        calls: list of (`keras_trace.Call`, part) in the order of execution.

    Returns:
        {"convolutions": (frequency, time), "with pooling": (frequency, time)} in bins and frames of the features; None
        if the model has no feature map [1, frequency, time, channel].

    Reference: Kim et al., DCASE Workshop 2021, section 2.1; Koutini et al., "The Receptive Field as a Regularizer in
    Deep Convolutional Neural Networks for Acoustic Scene Classification", EUSIPCO 2019.
    """
    ways = {"convolutions": _reached(calls, pooling=False), "with pooling": _reached(calls, pooling=True)}
    return None if None in ways.values() else ways


def seen_by_places(calls, name):
    """Bins and frames that each position of a layer's map sees, with pooling, cut where the features end.

    Args:
        calls: as for `receptive_fields`.
        name: of the layer.

    Returns:
        ([(first, last)] bins of each row, [(first, last)] frames of each column) of its output [1, frequency, time,
        channel].
    """
    features = next(tensor for call, _ in calls for tensor in call.inputs if tensor.shape.rank == 4)
    output = next(call.outputs[0] for call, _ in calls if call.name == name)
    reaches = next(seen for tensor, seen, _ in _reaches(calls, pooling=True) if tensor is output)
    return tuple(
        _cut(reach, output.shape[axis], features.shape[axis]) for axis, reach in zip(AXES, reaches, strict=True)
    )


def _cut(reach, places, length):
    bounds = ((place * reach.step - reach.before, place * reach.step + reach.after) for place in range(places))
    return [(max(0, math.ceil(first)), min(length - 1, math.floor(last))) for first, last in bounds]


def _reached(calls, pooling):
    largest = None
    for _, seen, part in _reaches(calls, pooling):
        if part != FRONTEND:
            largest = [max(old, new.size) for old, new in zip(largest or (1, 1), seen, strict=True)]
    return largest and tuple(largest)


def _reaches(calls, pooling):
    """(map, its `Reach` along frequency and time, part) of each call that makes a map, in the order of execution."""
    reaches = {}
    for call, part in calls:
        inputs = (
            [] if part == FRONTEND else [reaches.get(id(tensor)) for tensor in call.inputs if tensor.shape.rank == 4]
        )
        for output in call.outputs:
            if output.shape.rank != 4:
                continue
            seen = tuple(_along(axis, call, inputs, output, pooling) for axis in AXES)
            reaches[id(output)] = seen
            yield output, seen, part


def _along(axis, call, inputs, output, pooling):
    """`Reach` of a call's output along one axis."""
    reach = None
    for each in inputs:
        each = each[axis - 1] if each else Reach()
        reach = each if reach is None else reach.join(each)
    reach = reach or Reach()
    layer = _innermost(call.layer)
    window = _window(layer, axis)
    before = next((tensor.shape[axis] for tensor in call.inputs if tensor.shape.rank == 4), output.shape[axis])
    if window is None:
        shift = reach.step * _shift(layer, axis)
        step = _resampled(reach.step, before, output.shape[axis])
        return Reach(reach.before + shift, reach.after - shift, step)
    kernel, stride, is_pooling = window
    if is_pooling and not pooling:
        return replace(reach, step=reach.step * stride)
    if "Transpose" in type(layer).__name__:
        # An output lies under at most ceil(kernel / stride) inputs.
        return replace(reach.through(-(-kernel // stride), 1, 0), step=reach.step / stride)
    return reach.through(kernel, stride, _padding(layer, before, kernel, stride))


def _resampled(step, before, after):
    """The step after a layer without a window: smaller after an upsampling; unchanged after a mean over the axis."""
    return step * Fraction(before, after) if after > before > 1 and after % before == 0 else step


def _shift(layer, axis):
    """Zeros that a layer puts before the first number; negative for numbers that it cuts off."""
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return layer.padding[axis - 1][0]
    return -layer.cropping[axis - 1][0] if isinstance(layer, keras.layers.Cropping2D) else 0


def _innermost(layer):
    while hasattr(layer, "layer"):  # wrapped for pruning or quantization
        layer = layer.layer
    return layer


def _window(layer, axis):
    """(numbers that the window spans, stride, whether it pools) of a layer along an axis; None if it has none."""
    size = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    if not isinstance(size, tuple) or len(size) != 2:
        return None
    dilation = getattr(layer, "dilation_rate", (1, 1))[axis - 1]
    return (size[axis - 1] - 1) * dilation + 1, layer.strides[axis - 1], hasattr(layer, "pool_size")


def _padding(layer, length, kernel, stride):
    """Numbers of padding before the first."""
    if layer.padding != "same":
        return 0
    return max((-(-length // stride) - 1) * stride + kernel - length, 0) // 2
