"""Normalizations by a clip's own statistics, in a form that 8-bit arithmetic preserves."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.residual_norm import frequency_statistics


def with_integer_norms(graph, features):
    """A new network in which the `integer_form` of a layer, if it has one, replaces the layer.

    Args:
        graph: functional model, such as `deployment_graph` returns; it is not changed.
        features: [clip, frequency, time, channel], some tens of clips balanced over devices.
    """
    norms = [layer for layer in graph.layers if hasattr(layer, "integer_form")]
    if not norms:
        return graph
    statistics = dict(zip((layer.name for layer in norms), _statistics(graph, norms, features), strict=True))
    weights = {layer.name: layer.get_weights() for layer in graph.layers}

    def converted(layer):
        if layer.name not in statistics:
            return type(layer).from_config(layer.get_config())
        new, weights[layer.name] = layer.integer_form(*statistics[layer.name])
        return new

    clone = keras.models.clone_model(graph, clone_function=converted)
    for layer in clone.layers:
        layer.set_weights(weights[layer.name])
    return clone


def _statistics(graph, norms, features):
    """For each normalization the mean and variance, each [clips, frequency], of its inputs."""
    maps = keras.Model(graph.inputs, [layer.input for layer in norms])
    found = [[] for _ in norms]
    for start in range(0, len(features), 8):
        outputs = tf.nest.flatten(maps(features[start : start + 8], training=False))
        for rows, output in zip(found, outputs, strict=True):
            rows.append(np.stack([value.numpy()[:, :, 0, 0] for value in frequency_statistics(output)[:2]]))
    return [np.concatenate(rows, axis=1) for rows in found]
