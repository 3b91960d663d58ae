"""Running the widest stage of a network slab by slab, so that its maps never exist whole: for microcontrollers."""

import functools
import math

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D, SpaceToDepthConv2D
from asc_tf.export.slab_values import BINS_AXIS, MeanRow, RecomputedSlabs, Slabs, WholeMap
from asc_tf.layers import ChannelSplit, FrequencyAveragePooling

_SLABS = 4  # more of them cost an interpreter's records as much as they save in maps


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
        slabs: number of slabs, one of `possible_numbers`; None takes the one with about the least memory, of the maps
            and of an interpreter's records together.

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
        values = {id(self._graph.inputs[0]): WholeMap(lambda: inputs)}
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
        slabbed = [value for value in taken if isinstance(value, Slabs)]
        if slabbed and isinstance(layer, BinwiseDepthwiseConv2D) and _reaches_neighbours_alone(layer, self.slabs):
            return _of_depthwise(self._bands[layer.name], slabbed[0], layer.kernel_size[0] // 2)
        if slabbed and isinstance(layer, FrequencyAveragePooling):
            return MeanRow(layer, self._parts_of_mean(layer, slabbed[0], values))
        if isinstance(taken[0], MeanRow) and layer.name in self._times:
            return WholeMap(functools.partial(taken[0].convolved, *self._times[layer.name]))
        if slabbed and _is_pooling(layer):
            return WholeMap(
                Slabs(layer.output.shape[BINS_AXIS], [_output(layer, [part]) for part in slabbed[0].parts]).whole
            )
        if slabbed and _is_pointwise(layer):
            return _of_pointwise(layer, self._sum_in_one_convolution(layer, values) or taken, slabbed[0])
        return WholeMap(_output(layer, [value.whole for value in taken]))

    def _parts_of_mean(self, layer, value, values):
        """The mean over each slab's bins, as functions; of f2(x) that is wanted as x + f2(x) it comes from x."""
        before = _maker(layer.input)
        if not isinstance(before, BinwiseDepthwiseConv2D) or not _is_read_twice(before.input):
            return [_output(layer, [part]) for part in value.parts]
        means = [_mean_weights(kernel, bias, value.bins // self.slabs) for kernel, bias in self._bands[before.name]]
        return _of_depthwise(means, values[id(before.input)], before.kernel_size[0] // 2).parts

    def _sum_in_one_convolution(self, layer, values):
        """For the last sum of (f2(x) + row) + x its parts x + f2(x), by one convolution, and row; otherwise None."""
        tensors = tf.nest.flatten(layer.input)
        earlier = _maker(tensors[0])
        if len(tensors) != 2 or not isinstance(earlier, keras.layers.Add) or len(earlier.input) != 2:
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

    return RecomputedSlabs(layer.output.shape[BINS_AXIS], count, rows)


def _of_pointwise(layer, taken, like):
    """Of a layer whose output bins depend on the same bins of its inputs alone, which may be rows for all bins."""
    if isinstance(like, RecomputedSlabs) and len(taken) == 1:
        return like.followed_by(layer)
    parts = [value.parts if isinstance(value, Slabs) else value.parts_as(len(like.parts)) for value in taken]
    return Slabs(like.bins, [_output(layer, group) for group in zip(*parts, strict=True)])


def _of_depthwise(bands, value, margin):
    """A convolution over frequency, each slab with its band's own kernel.

    Args:
        bands: (kernel [bins, 1, channel, 1], bias [channel]) of each band.
        value: `Slabs`.
        margin: number of bins beside a slab that the kernel sees.
    """
    count = len(value.parts)

    def compute(index):
        kernel, bias = (weight.astype(np.float32) for weight in bands[index * len(bands) // count])
        edges = margin * (index == 0), margin * (index == count - 1)
        x = value.with_margin(index, margin)
        x = tf.pad(x, ((0, 0), edges, (0, 0), (0, 0))) if any(edges) else x
        return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "VALID") + bias

    return Slabs(value.bins, [functools.cache(functools.partial(compute, index)) for index in range(count)])


def _mean_weights(kernel, bias, bins):
    """A kernel that gives the mean of a convolution's outputs for so many bins, from its inputs for them all."""
    taps = [
        np.pad(np.repeat(tap[np.newaxis], bins, axis=0), ((at, len(kernel) - 1 - at), *3 * [(0, 0)]))
        for at, tap in enumerate(kernel)
    ]
    return np.sum(taps, axis=0) / bins, bias


def _maker(tensor):
    """The layer that a tensor comes from, behind layers that pass on their inputs."""
    layer = tensor.node.layer
    while isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear:
        layer = layer.input.node.layer
    return layer


def _reaches_neighbours_alone(layer, slabs):
    """Whether a convolution sees one frame, and no bins beyond the slabs beside its own."""
    return layer.kernel_size[1] == 1 and layer.kernel_size[0] // 2 <= layer.input.shape[BINS_AXIS] // slabs


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
    bins = stems[0].output.shape[BINS_AXIS]
    widest = [
        layer
        for layer in graph.layers
        if isinstance(layer, BinwiseDepthwiseConv2D) and layer.input.shape[BINS_AXIS] == bins
    ]
    bands = math.lcm(*(layer.bands for layer in widest))
    return [count for count in range(1, bins // 4 + 1) if bins % (2 * count) == 0 and count % bands == 0] or [1]


def _best_number(graph):
    """The number of slabs with about the least memory."""
    numbers = possible_numbers(graph)
    return next((number for number in numbers if number >= _SLABS), numbers[-1])
