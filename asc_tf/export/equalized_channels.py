"""Channels of equal size before products by bin, so that 8 bits hold each of them as well."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.export.deployment_layers import BinwiseDepthwiseConv2D

_LARGEST_FACTOR = 16.0  # for channels that are almost constant


def equalize_channels(graph, features):
    """Give the channels between each convolution by bands and its product the mean 0 and the same standard deviation.

    An 8-bit map has one step for all channels, and the widest one sets it. Here `BinwiseDepthwiseConv2D` makes a map
    that only its own product reads, so that a factor and a shift of each channel can go from one to the other: results
    stay the same. Without it these maps made most of all rounding errors, since a band with a small factor behind it
    may have large values before it.

    Args:
        graph: functional model, such as `deployment_graph` returns with `binwise`; its weights are changed.
        features: [clip, frequency, time, channel], some tens of clips balanced over devices.

    Reference: after Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.1, for feature maps in place of kernels.
    """
    layers = [layer for layer in graph.layers if isinstance(layer, BinwiseDepthwiseConv2D)]
    if not layers:
        return
    for layer, (mean, deviation) in zip(layers, _statistics(graph, layers, features), strict=True):
        kernel, bias, scale, offset = (weight.astype(np.float64) for weight in layer.get_weights())
        factor = deviation.max() / np.maximum(deviation, max(deviation.max() / _LARGEST_FACTOR, 1e-12))
        layer.set_weights([
            kernel * factor[:, np.newaxis], (bias - mean) * factor, scale / factor, offset + scale * mean,
        ])  # fmt: skip


def _statistics(graph, layers, features):
    """For each layer the mean and the standard deviation of each channel, both [channel], before its product."""
    maps = keras.Model(graph.inputs, [layer.input for layer in layers])
    sums = [0.0] * len(layers)
    for start in range(0, len(features), 8):
        inputs = tf.nest.flatten(maps(features[start : start + 8], training=False))
        for place, (layer, x) in enumerate(zip(layers, inputs, strict=True)):
            y = layer.convolved(x).numpy().astype(np.float64)
            sums[place] = sums[place] + len(y) * np.stack([y.mean(axis=(0, 1, 2)), (y**2).mean(axis=(0, 1, 2))])
    means = [total / len(features) for total in sums]
    return [(mean, np.sqrt(np.maximum(square - mean**2, 0))) for mean, square in means]
