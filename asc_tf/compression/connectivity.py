"""Finding the weights of a pruned network that can affect its output."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.compression.kernels import kernels
from asc_tf.layers import contract
from asc_tf.layers.contract import channel_paths, kernel_attribute

_layers = keras.layers
_STANDS_FOR = {contract.ADD: _layers.Add, contract.AVERAGE: _layers.Average}


class Connectivity:
    """Finds the weights that lie on a path from the network's input to its output.

    A channel whose whole kernel is pruned is a constant. Layers that read it add a constant, except at the edges of the
    map, where the convolution's zeros begin. Those edges say nothing of the input, yet a batch normalization after them
    finds next to no variance and makes them fifty times as large. Such weights are kept for nothing. Counting paths
    finds them: in a copy of the network with kernels of zeros and ones, without shifts, normalizations and
    nonlinearities, a weight on no path has no gradient.

    Args:
        model: plain functional model.

    Raises:
        ValueError: as `kernels`, or a layer that does not state how its channels depend on one another (`contract`).

    Reference: Vysogorets and Kempe, "Connectivity Matters: Neural Network Pruning Through the Lens of Effective
    Sparsity", JMLR 2023, for the quantity; Tanaka et al., "Pruning neural networks without any data by iteratively
    conserving synaptic flow", NeurIPS 2020, on ones, for the way to count it.
    """

    def __init__(self, model):
        found = kernels(model)
        self._paths = keras.models.clone_model(model, clone_function=_counted)
        self._layers = [self._paths.get_layer(name) for name in found]
        for layer in self._layers:
            layer.set_weights([np.zeros(weight.shape) for weight in layer.get_weights()])
        self._gradients = tf.function(self._gradients_of_paths)

    def connected(self, masks):
        """Where a weight would affect the output if it were kept beside the masks' weights.

        Args:
            masks: arrays of zeros and ones in the order of `kernels`.

        Returns:
            Boolean arrays of the same shapes.
        """
        for layer, mask in zip(self._layers, masks, strict=True):
            # Averages in place of sums: the numbers of paths would overflow any float.
            getattr(layer, kernel_attribute(layer)).assign(mask / max(1.0, mask.sum() / mask.shape[-1]))
        return [gradient.numpy() > 0 for gradient in self._gradients()]

    def _gradients_of_paths(self):
        variables = [getattr(layer, kernel_attribute(layer)) for layer in self._layers]
        with tf.GradientTape() as tape:
            # Different values: among equal numbers max-pooling takes those at the edge.
            given = [_positive(taken.shape[1:]) for taken in self._paths.inputs]
            outputs = self._paths(given if len(given) > 1 else given[0], training=False)
            paths = tf.add_n([tf.reduce_sum(output) for output in tf.nest.flatten(outputs)])
        return tape.gradient(paths, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def idle_weights(model):
    """Number of a plain model's kernel weights that are not zero and lie on no path from input to output."""
    masks = [kernel.numpy() != 0 for kernel in kernels(model).values()]
    connected = Connectivity(model).connected(masks)
    return sum(int((mask & ~connects).sum()) for mask, connects in zip(masks, connected, strict=True))


def _positive(shape):
    return tf.constant(np.random.default_rng(0).uniform(0.5, 1.5, (1, *shape)))


def _counted(layer):
    """The layer that replaces a layer while paths are counted."""
    paths = channel_paths(layer)
    if paths == contract.OWN:
        return _layers.Activation("linear", name=layer.name, dtype="float64")
    if paths == contract.ALL:
        return _AllChannels(name=layer.name, dtype="float64")
    config = {**layer.get_config(), "dtype": "float64"}
    if "activation" in config:
        config["activation"] = "linear"
    return _STANDS_FOR.get(paths, type(layer)).from_config(config)


class _AllChannels(_layers.Layer):
    """Makes every channel depend on all channels."""

    def call(self, inputs):
        return inputs + tf.reduce_mean(inputs, axis=-1, keepdims=True)
