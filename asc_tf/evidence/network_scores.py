"""The score map of a Keras network: what its last layers would say of each place, before the mean."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.complexity.account import NETWORK
from asc_tf.complexity.keras_trace import trace
from asc_tf.complexity.receptive_field import seen_by_places
from asc_tf.errors import AscError
from asc_tf.evidence.score_map import Places, ScoredWindow
from asc_tf.evidence.series import softmax
from asc_tf.internals.tf_keras import calls
from asc_tf.runtime.frontend import frontend_of


class ScoredNetwork:
    """A Keras network with all that `evidence_of` asks for.

    Where linear layers follow the mean over frequency and time, they are applied to each place instead: the mean of
    what they give is the same.

    Args:
        network: functional `keras.Model` of features [batch, frequency, time, 1] to logits [batch, classes].
        metadata: `Metadata` that an exported file of it would have.
        source: what it was read from, for errors.

    Attributes:
        labels, sample_rate_hz, samples, uncertain_below, metadata: as of `Classifier`.
        places: `Places` of its map.

    Raises:
        AscError: its logits are no mean of one map.

    Reference: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016 (class activation map).
    """

    def __init__(self, network, metadata, source):
        self.metadata, self.labels = metadata, metadata.labels
        self.sample_rate_hz, self.samples = metadata.sample_rate_hz, metadata.samples
        self.uncertain_below = metadata.uncertain_below
        self._frontend = frontend_of(metadata, source)
        maker, self._linear = _maker_and_linear_layers(network, source)
        self._network = keras.Model(network.input, [maker.outputs, network.output])
        seen = seen_by_places([(call, NETWORK) for call in trace(network).calls], maker.layer.name)
        features = self._frontend.feature_shape(self.samples)[:2]
        self.places = Places.of(features, seen, maker.outputs.shape[1:3], self._frontend)

    def scored(self, window):
        """The `ScoredWindow` of a waveform [samples] at the network's rate."""
        features = self._frontend(window)
        scores, logits = (tensor.numpy()[0] for tensor in self._network(features[np.newaxis], training=False))
        for layer in self._linear:
            kernel, *bias = layer.get_weights()
            scores = scores @ kernel.reshape(-1, kernel.shape[-1]) + sum(bias)
        return ScoredWindow(features[:, :, 0], scores, softmax(logits))


def _maker_and_linear_layers(network, source):
    """(node of the map before the mean over frequency and time, the linear layers behind the mean) of a network."""
    makers = {id(tensor): node for node in calls(network) for tensor in tf.nest.flatten(node.outputs)}
    node, linear = makers[id(network.output)], []
    while type(node.layer) is not keras.layers.GlobalAveragePooling2D:
        if not _is_linear(node.layer):
            raise AscError(
                f"{source}: the network {network.name} has no scores of single places; its logits come from "
                f"'{node.layer.name}' ({type(node.layer).__name__}), expected the mean of one map and linear layers"
            )
        if node.layer.weights:
            linear.insert(0, node.layer)
        node = makers[id(node.keras_inputs[0])]
    return makers[id(node.keras_inputs[0])], linear


def _is_linear(layer):
    if isinstance(layer, keras.layers.Flatten):
        return True
    is_plain = getattr(layer, "activation", None) is keras.activations.linear
    if type(layer) is keras.layers.Conv2D:
        return is_plain and layer.kernel_size == layer.strides == (1, 1) and layer.groups == 1
    return type(layer) is keras.layers.Dense and is_plain
