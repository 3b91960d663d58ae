"""Running the widest stage of a network slab by slab, so that its maps never exist whole: for microcontrollers."""

import functools

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D
from asc_tf.layers import ChannelSplit, FrequencyAveragePooling

_FRAMES = 2  # axis
_BEFORE_BLOCKS = (keras.layers.Conv2D, keras.layers.ReLU, keras.layers.Activation)  # their maps are the widest
_POINTWISE = (keras.layers.Activation, keras.layers.ReLU, keras.layers.Add, ChannelSplit)
_NODE_BYTES = 230  # of an interpreter's records for a node, with its tensors
_NODES_OF_SLAB = 19  # in two blocks and a stem


class SlabbedNetwork:
    """A deployment graph whose maps from the strided stem to the first pooling exist only in slabs of time.

    Layers that do not mix frames run on one slab after another: a slab goes through as many of them as it can before
    the next one begins. The stem and the 1x1 convolution after it, whose maps have the most channels, run on half a
    slab. Only the mean over frequency joins all slabs, as one row. It is computed from the input of the depthwise
    convolution before it (`BinwiseDepthwiseConv2D.mean_weights`), so that no map is kept for it. Any other layer gets
    the slabs joined. Results are those of the graph, up to rounding.

    Args:
        graph: functional model, such as `deployment_graph` with `binwise` returns; each layer is called once.
        slabs: number of slabs; None takes the number with the least memory, of the maps and of an interpreter's records
            together. 1 runs the graph as it is.

    Attributes:
        slabs: the number.
        weights: of the graph.
    """

    def __init__(self, graph, slabs=None):
        self._graph = graph
        self.slabs = _best_number(graph) if slabs is None else slabs
        self.weights = graph.weights
        binwise = [layer for layer in graph.layers if isinstance(layer, BinwiseDepthwiseConv2D)]
        self._means = {layer.name: layer.mean_weights() for layer in binwise}

    @tf.autograph.experimental.do_not_convert
    def __call__(self, inputs, training=False):
        if self.slabs == 1:
            return self._graph(inputs, training=False)
        values = {id(self._graph.inputs[0]): _Whole(lambda: inputs)}
        for layer in self._graph.layers:
            if not isinstance(layer, keras.layers.InputLayer):
                outputs = tf.nest.flatten(layer.output)
                value = self._value(layer, values)
                parts = [value] if len(outputs) == 1 else [value.item(index) for index in range(len(outputs))]
                values.update(zip(map(id, outputs), parts, strict=True))
        return values[id(self._graph.outputs[0])].whole()

    def _value(self, layer, values):
        """The output of a layer, or a list of its outputs, not yet computed."""
        inputs = [id(tensor) for tensor in tf.nest.flatten(layer.input)]
        if _is_stem(layer):
            return _Slabs(_stem_slabs(layer, values[inputs[0]], 2 * self.slabs), halves=True)
        if not isinstance(layer, _BEFORE_BLOCKS):
            values.update({name: values[name].joined_halves() for name in inputs})
        taken = [values[name] for name in inputs]
        slabbed = [value for value in taken if isinstance(value, _Slabs)]
        if slabbed and isinstance(layer, FrequencyAveragePooling) and _affine_before(layer) is not None:
            before = _affine_before(layer)
            weights, parts = self._means[before.name], values[id(before.input)].parts
            return _Whole(_Slabs([_row(*weights, part) for part in parts]).whole)
        if slabbed and (_is_pooling(layer) or isinstance(layer, FrequencyAveragePooling)):
            return _Whole(_Slabs([_output(layer, [part]) for part in taken[0].parts]).whole)
        if slabbed and _keeps_frames(layer):
            parts = [value.parts if isinstance(value, _Slabs) else value.cut_as(slabbed[0]) for value in taken]
            return _Slabs([_output(layer, group) for group in zip(*parts, strict=True)], slabbed[0].halves)
        return _Whole(_output(layer, [value.whole for value in taken]))


class _Whole:
    """A map that is computed when it is first asked for."""

    def __init__(self, compute):
        self.whole = functools.cache(compute)

    def item(self, index):
        """One of the maps of a list."""
        return _Whole(lambda: self.whole()[index])

    def joined_halves(self):
        return self

    def cut_as(self, slabs):
        """This map, or row of frames, in the slabs of another one."""

        @functools.cache
        def cut():
            return tf.split(self.whole(), [part().shape[_FRAMES] for part in slabs.parts], axis=_FRAMES)

        return [functools.partial(lambda index: cut()[index], index) for index in range(len(slabs.parts))]


class _Slabs:
    """A map in slabs of time, or in halves of slabs, each computed when it is first asked for."""

    def __init__(self, parts, halves=False):
        self.parts = [functools.cache(part) for part in parts]
        self.halves = halves

    def item(self, index):
        """One of the maps of a list."""
        return _Slabs([functools.partial(lambda part: part()[index], part) for part in self.parts], self.halves)

    def joined_halves(self):
        """The same map in whole slabs."""
        if not self.halves:
            return self
        pairs = zip(self.parts[::2], self.parts[1::2], strict=True)
        return _Slabs([_Slabs(pair).whole for pair in pairs])

    @functools.cached_property
    def _joined(self):
        return tf.concat([part() for part in self.parts], axis=_FRAMES)

    def whole(self):
        return self._joined


def _output(layer, parts):
    def compute():
        inputs = [part() for part in parts]
        return layer(inputs if len(inputs) > 1 else inputs[0])

    return compute


def _row(kernel, bias, part):
    """The mean over frequency of a `BinwiseDepthwiseConv2D`'s outputs, from its input and its `mean_weights`."""
    kernel = kernel[:, np.newaxis, :, np.newaxis].astype(np.float32)

    def compute():
        return tf.nn.depthwise_conv2d(part(), kernel, (1, 1, 1, 1), "VALID") + bias.astype(np.float32)

    return compute


def _stem_slabs(layer, value, slabs):
    """Slabs of a convolution of stride 2 with "same" padding; each reads its part of a padded map."""
    sizes = _sizes(layer.output.shape[_FRAMES], slabs)
    rows, columns = ((size - 1) // 2 for size in layer.kernel_size)
    before = [half - 1 + size % 2 for half, size in zip((rows, columns), layer.input.shape[1:3], strict=True)]

    @functools.cache
    def padded():
        after = [
            2 * (out - 1) + kernel - size - first
            for out, kernel, size, first in zip(
                layer.output.shape[1:3], layer.kernel_size, layer.input.shape[1:3], before, strict=True
            )
        ]
        return tf.pad(value.whole(), ((0, 0), *zip(before, after, strict=True), (0, 0)))

    def compute(first, size):
        frames = 2 * (size - 1) + layer.kernel_size[1]
        source = padded()
        part = tf.slice(source, (0, 0, 2 * first, 0), (1, source.shape[1], frames, source.shape[3]))
        outputs = tf.nn.conv2d(part, layer.kernel, 2, "VALID")
        return layer.activation(outputs + layer.bias if layer.use_bias else outputs)

    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    return [functools.partial(compute, first, size) for first, size in zip(starts, sizes, strict=True)]


def _sizes(frames, slabs):
    """Lengths of the slabs: even, but for the last one, so that pooling by two frames finds its pairs."""
    pairs = [len(part) for part in np.array_split(np.arange(frames // 2), slabs)]
    return [2 * pair for pair in pairs[:-1]] + [2 * pairs[-1] + frames % 2]


def _best_number(graph):
    """The number of slabs that takes the least memory; 1 for a graph without a stem, or with layers called twice.

    The blocks' map has half the channels of the stem's or so. It stays, in slabs; beside it is one slab of the layer
    that runs. Each slab has nodes of its own.
    """
    if any(len(layer.inbound_nodes) != 1 for layer in graph.layers):
        return 1
    stems = [layer for layer in graph.layers if _is_stem(layer)]
    if len(stems) != 1:
        return 1
    _, bins, frames, channels = stems[0].output.shape
    number = round((bins * frames * channels / 2 / (_NODE_BYTES * _NODES_OF_SLAB)) ** 0.5)
    return int(np.clip(number, 1, max(1, frames // 4)))


def _is_stem(layer):
    return (
        type(layer) is keras.layers.Conv2D
        and tuple(layer.strides) == (2, 2)
        and layer.padding == "same"
        and layer.groups == 1
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.input.shape[3] == 1
    )


def _affine_before(layer):
    """The `BinwiseDepthwiseConv2D` of kernels one frame long whose outputs, passed on unchanged, a layer reads."""
    before = layer.inbound_nodes[0].inbound_layers
    while isinstance(before, keras.layers.Activation) and before.activation is keras.activations.linear:
        before = before.inbound_nodes[0].inbound_layers
    return before if isinstance(before, BinwiseDepthwiseConv2D) and before.kernel_size[1] == 1 else None


def _is_pooling(layer):
    return isinstance(layer, keras.layers.MaxPooling2D) and tuple(layer.pool_size) == tuple(layer.strides) == (2, 2)


def _keeps_frames(layer):
    """Whether each frame of a layer's output depends on the same frame of its inputs alone."""
    if isinstance(layer, keras.layers.Conv2D):
        return layer.kernel_size[1] == layer.strides[1] == 1
    if isinstance(layer, BinwiseDepthwiseConv2D):
        return layer.kernel_size[1] == 1
    if isinstance(layer, keras.layers.Concatenate):
        return layer.axis in (3, -1)
    return isinstance(layer, _POINTWISE)
