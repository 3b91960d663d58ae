"""Running the widest stage of a network slab by slab, so that its maps never exist whole: for microcontrollers."""

import functools
import math
import operator

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D, SpaceToDepthConv2D
from asc_tf.layers import ChannelSplit, FrequencyAveragePooling

_BINS = 1  # axis
_RECORDS_OF_SLAB = 3500  # bytes that an interpreter keeps for its operators, in two blocks and a stem


class SlabbedNetwork:
    """A deployment graph whose maps from the stem to the first pooling exist only in slabs of frequency.

    A slab is a sub-band of SubSpectral Normalization or an even part of one, so that its kernel can hold the band's
    normalization. A slab goes through as many layers as it can before the next one begins. The stem, whose map has the
    most channels, computes the bins beside a slab anew; later layers take them from the neighbouring slabs.

    Only the mean over frequency joins all slabs, as one row. What a block adds to that row waits for it in slabs. If
    this is x + f2(x), one convolution gives it, so that no map is kept for x. Any other layer gets the slabs joined.
    Results are those of the graph, up to rounding.

    Args:
        graph: functional model, such as `deployment_graph` with `space_to_depth` and `binwise` returns; each layer is
            called once.
        slabs: number of slabs, one of `possible_numbers`; None takes the one with the least memory, of the maps and of
            an interpreter's records together.

    Attributes:
        slabs: the number; 1 runs the graph as it is.
        weights: of the graph.
    """

    def __init__(self, graph, slabs=None):
        self._graph = graph
        self.slabs = _best_number(graph) if slabs is None else slabs
        self.weights = graph.weights
        binwise = [layer for layer in graph.layers if isinstance(layer, BinwiseDepthwiseConv2D)]
        # Constants: a variable cannot be read while the graph is traced.
        self._bands = {layer.name: [layer.band_weights(band) for band in range(layer.bands)] for layer in binwise}
        self._times = {layer.name: layer.get_weights() for layer in graph.layers if _is_over_time(layer)}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs, training=False):
        if self.slabs == 1:
            return self._graph(inputs, training=False)
        values = {id(self._graph.inputs[0]): _Whole(lambda: inputs)}
        for layer in self._graph.layers:
            if not isinstance(layer, keras.layers.InputLayer):
                outputs, value = tf.nest.flatten(layer.output), self._value(layer, values)
                parts = [value] if len(outputs) == 1 else [value.item(index) for index in range(len(outputs))]
                values.update(zip(map(id, outputs), parts, strict=True))
        return values[id(self._graph.outputs[0])].whole()

    def _value(self, layer, values):
        """The output of a layer, or a list of its outputs, not yet computed."""
        taken = [values[id(tensor)] for tensor in tf.nest.flatten(layer.input)]
        if isinstance(layer, SpaceToDepthConv2D):
            return _of_stem(layer, taken[0], self.slabs)
        slabbed = [value for value in taken if isinstance(value, _Slabs)]
        if slabbed and isinstance(layer, BinwiseDepthwiseConv2D) and layer.kernel_size[1] == 1:
            return _of_depthwise(self._bands[layer.name], slabbed[0], layer.kernel_size[0] // 2)
        if slabbed and isinstance(layer, FrequencyAveragePooling):
            return _Rows(layer, self._parts_of_mean(layer, slabbed[0], values))
        if isinstance(taken[0], _Rows) and layer.name in self._times:
            return _Whole(functools.partial(taken[0].convolved, *self._times[layer.name]))
        if slabbed and _is_pooling(layer):
            return _Whole(_Slabs(layer.output.shape[_BINS], [_output(layer, [part]) for part in slabbed[0].parts]).whole)
        if slabbed and _is_pointwise(layer):
            return _of_pointwise(layer, self._sum_in_one_convolution(layer, values) or taken, slabbed[0])
        return _Whole(_output(layer, [value.whole for value in taken]))

    def _parts_of_mean(self, layer, value, values):
        """The mean over each slab's bins, as functions; of f2(x) that is wanted as x + f2(x) it comes from x."""
        before = _maker(layer.input)
        if not isinstance(before, BinwiseDepthwiseConv2D) or not _is_read_twice(before.input):
            return [_output(layer, [part]) for part in value.parts]
        means = [_mean_weights(kernel, bias, value.bins // self.slabs) for kernel, bias in self._bands[before.name]]
        return _of_depthwise(means, values[id(before.input)], before.kernel_size[0] // 2).parts

    def _sum_in_one_convolution(self, layer, values):
        """For the last sum of (f2(x) + row) + x the values [x + f2(x), row], the first by one convolution; else None."""
        tensors = tf.nest.flatten(layer.input)
        earlier = _maker(tensors[0])
        if len(tensors) != 2 or not isinstance(earlier, keras.layers.Add):
            return None
        two_d, row = earlier.input
        depthwise = _maker(two_d)
        if not isinstance(depthwise, BinwiseDepthwiseConv2D) or depthwise.input is not tensors[1]:
            return None
        margin = depthwise.kernel_size[0] // 2
        bands = [(kernel.copy(), bias) for kernel, bias in self._bands[depthwise.name]]
        for kernel, _ in bands:
            kernel[margin] += 1
        return [_of_depthwise(bands, values[id(tensors[1])], margin), values[id(row)]]


class _Whole:
    """A map that is computed when it is first asked for."""

    def __init__(self, compute):
        self.whole = functools.cache(compute)

    def item(self, index):
        """One of the maps of a list."""
        return _Whole(lambda: self.whole()[index])


class _Rows(_Whole):
    """The mean over frequency, from that of each slab.

    Args:
        layer: the mean over frequency.
        parts: functions that give it for one slab, [1, 1, time, channel].
    """

    def __init__(self, layer, parts):
        super().__init__(lambda: layer(tf.concat([part() for part in parts], axis=_BINS)))
        self._parts = parts

    def convolved(self, kernel, bias):
        """Its depthwise convolution over time, with kernel [1, frames, channel, 1], in one operator with the mean."""
        count, channels = len(self._parts), kernel.shape[2]
        wide = np.tile(kernel[..., 0, np.newaxis] * np.eye(channels, dtype=np.float32), (1, 1, count, 1)) / count
        return tf.nn.conv2d(tf.concat([part() for part in self._parts], axis=-1), wide, 1, "SAME") + bias


class _Slabs:
    """A map in slabs of frequency, each computed when it is first asked for."""

    def __init__(self, bins, parts):
        self.bins = bins
        self.parts = [functools.cache(part) for part in parts]

    @functools.cached_property
    def _joined(self):
        return tf.concat([part() for part in self.parts], axis=_BINS)

    def whole(self):
        return self._joined

    def item(self, index):
        """One of the maps of a list."""
        return _Slabs(self.bins, [functools.partial(lambda part: part()[index], part) for part in self.parts])

    def with_margin(self, index, margin):
        """A slab with the bins beside it, fewer at the ends."""
        parts = [self.parts[index]()]
        if index:
            parts.insert(0, _bins_of(self.parts[index - 1](), -margin))
        if index + 1 < len(self.parts):
            parts.append(_bins_of(self.parts[index + 1](), margin))
        return tf.concat(parts, axis=_BINS)


class _Recomputed(_Slabs):
    """A map in slabs that computes the bins beside a slab anew.

    The last two slabs, beside which the others wait, are computed in halves.

    Args:
        bins: of the map.
        count: of the slabs.
        rows: function (first bin, bin after the last) -> these bins.
    """

    def __init__(self, bins, count, rows):
        self._rows, self._size = functools.cache(rows), bins // count
        starts = range(0, bins, self._size)
        super().__init__(bins, [functools.partial(self.rows, first, first + self._size) for first in starts])

    def followed_by(self, layer):
        """A layer of each bin by itself, after this one."""
        return _Recomputed(self.bins, len(self.parts), lambda first, end: layer(self._rows(first, end)))

    def item(self, index):
        return self.followed_by(operator.itemgetter(index))

    def rows(self, first, end):
        if end + self._size <= self.bins:
            return self._rows(first, end)
        half = (first + end) // 2
        return tf.concat([self._rows(first, half), self._rows(half, end)], axis=_BINS)

    def with_margin(self, index, margin):
        first = index * self._size
        return self.rows(max(first - margin, 0), min(first + self._size + margin, self.bins))


def _bins_of(part, count):
    """The first bins of a map, or its last ones for a negative count."""
    _, bins, frames, channels = part.shape
    return tf.slice(part, (0, bins + count if count < 0 else 0, 0, 0), (1, abs(count), frames, channels))


def _output(layer, parts):
    def compute():
        inputs = [part() for part in parts]
        return layer(inputs if len(inputs) > 1 else inputs[0])

    return compute


def _of_stem(layer, value, count):
    blocks = functools.cache(lambda: layer.blocks(value.whole()))

    def rows(first, end):
        _, _, columns, depth = blocks().shape
        return layer.from_blocks(tf.slice(blocks(), (0, first, 0, 0), (1, end - first + 2, columns, depth)))

    return _Recomputed(layer.output.shape[_BINS], count, rows)


def _of_pointwise(layer, taken, like):
    """Of a layer whose output bins depend on the same bins of its inputs alone, which may be rows for all bins."""
    if isinstance(like, _Recomputed) and len(taken) == 1:
        return like.followed_by(layer)
    parts = [value.parts if isinstance(value, _Slabs) else [value.whole] * len(like.parts) for value in taken]
    return _Slabs(like.bins, [_output(layer, group) for group in zip(*parts, strict=True)])


def _of_depthwise(bands, value, margin):
    """A convolution over frequency, each slab with its band's own kernel.

    Args:
        bands: (kernel [bins, 1, channel, 1], bias [channel]) of each band.
        value: `_Slabs`.
        margin: number of bins beside a slab that the kernel sees.
    """
    count = len(value.parts)

    def compute(index):
        kernel, bias = (weight.astype(np.float32) for weight in bands[index * len(bands) // count])
        edges = margin * (index == 0), margin * (index == count - 1)
        x = value.with_margin(index, margin)
        x = tf.pad(x, ((0, 0), edges, (0, 0), (0, 0))) if any(edges) else x
        return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "VALID") + bias

    return _Slabs(value.bins, [functools.cache(functools.partial(compute, index)) for index in range(count)])


def _mean_weights(kernel, bias, bins):
    """A kernel that gives the mean of a convolution's outputs for so many bins, from its inputs for them all."""
    taps = [np.pad(np.repeat(tap[np.newaxis], bins, axis=0), ((at, len(kernel) - 1 - at), *3 * [(0, 0)]))
            for at, tap in enumerate(kernel)]
    return np.sum(taps, axis=0) / bins, bias


def _maker(tensor):
    """The layer that a tensor comes from, behind layers that pass on their inputs."""
    layer = tensor.node.layer
    while isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear:
        layer = layer.input.node.layer
    return layer


def _is_over_time(layer):
    """Whether a layer is a depthwise convolution with a bias over neighbouring frames."""
    return (
        type(layer) is keras.layers.DepthwiseConv2D
        and layer.kernel_size[0] == layer.depth_multiplier == 1
        and tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1)
        and layer.padding == "same"
        and layer.use_bias
        and layer.activation is keras.activations.linear
    )


def _is_read_twice(tensor):
    return len(tensor.node.layer.outbound_nodes) > 1


def _is_pooling(layer):
    return isinstance(layer, keras.layers.MaxPooling2D) and tuple(layer.pool_size) == tuple(layer.strides) == (2, 2)


def _is_pointwise(layer):
    if isinstance(layer, keras.layers.Conv2D):
        return layer.kernel_size[0] == layer.strides[0] == 1 and not isinstance(layer, keras.layers.DepthwiseConv2D)
    if isinstance(layer, keras.layers.Concatenate):
        return layer.axis in (3, -1)
    return isinstance(layer, (keras.layers.Activation, keras.layers.ReLU, keras.layers.Add, ChannelSplit))


def possible_numbers(graph):
    """Numbers of slabs that divide each sub-band of the widest stage into even parts; [1] if there are none.

    So it is for a graph without a stem of its own kind, or with layers called twice.
    """
    stems = [layer for layer in graph.layers if isinstance(layer, SpaceToDepthConv2D)]
    if any(len(layer.inbound_nodes) != 1 for layer in graph.layers) or len(stems) != 1:
        return [1]
    bins = stems[0].output.shape[_BINS]
    widest = [
        layer for layer in graph.layers if isinstance(layer, BinwiseDepthwiseConv2D) and layer.input.shape[_BINS] == bins
    ]
    bands = math.lcm(*(layer.bands for layer in widest))
    return [count for count in range(1, bins // 4 + 1) if bins % (2 * count) == 0 and count % bands == 0] or [1]


def _best_number(graph):
    """The number of slabs that takes the least memory.

    The blocks' map has half the channels of the stem's or so. It stays, in slabs; beside it is one slab of the stem.
    Each slab has nodes of its own.
    """
    stem = next((layer for layer in graph.layers if isinstance(layer, SpaceToDepthConv2D)), None)
    size = 0 if stem is None else math.prod(stem.output.shape[1:])
    return min(possible_numbers(graph), key=lambda count: size / count + count * _RECORDS_OF_SLAB)
