"""Quantization-aware training: of the kernels alone, or of kernels and feature maps, with TF Model Optimization."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.compression.kernels import cloned, kernels, stripped
from asc_tf.compression.quantizers import QuantizedLayer
from asc_tf.layers.contract import is_affine_at_inference, kernel_attribute, moves_numbers


def quantize(model: keras.Model, activations: bool = False, calibration: np.ndarray | None = None) -> keras.Model:
    """Continue training with 8-bit kernels and, if asked for, 8-bit feature maps.

    `KernelQuantizer` rounds every kernel per output channel while training updates the kernel in full precision.
    Weights that are zero now stay zero, in training and after saving and loading: prune, `strip_pruning`, then
    `quantize`. Biases and normalizations stay in float.

    With `activations`, `RangeQuantizer` also rounds the output of every layer where an integer runtime stores one. A
    runtime stores none between a convolution and a normalization or ReLU that fold into it, nor after layers that only
    move numbers (max-pooling, slices, shuffles, dropout). The first layer's output represents the quantized input.

    Args:
        model: functional model, which is not changed; the result shares no weights with it.
        activations: quantize feature maps too.
        calibration: features [clip, frequency, time, channel] of some tens of clips, balanced over devices. Their
            smallest and largest numbers are the first ranges. None takes the first batch of training; until then
            feature maps are not rounded.

    Returns:
        A new model of the same layers, wrapped by `QuantizedLayer`, not compiled.

    Raises:
        ValueError: a model that cannot be quantized, or a calibration without `activations`.

    Reference: Kim et al., DCASE Workshop 2021, section 2.3, 8 bits for convolutions and 16 for the rest; Jacob et al.,
    "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section
    3. Difference: tfmot's `quantize_apply` wraps layers that were not asked for, takes one scale for a whole depthwise
    kernel, and lets pruned weights come back.
    depthwise kernel, and lets pruned weights come back.

    Examples:
        >>> import asc_tf
        >>> network = asc_tf.cp_mobile((32, 34, 1), width=8, depth=(1,))
        >>> rounded = asc_tf.strip_quantization(asc_tf.quantize(network))
        >>> kernel = rounded.get_layer("classifier").kernel.numpy()[0, 0]
        >>> steps = kernel / abs(kernel).max(axis=0) * 127
        >>> bool(abs(steps - steps.round()).max() < 1e-3)
        True
    """
    if calibration is not None and not activations:
        raise ValueError("calibration is of use only with activations=True")
    found = kernels(model)
    rounded = {layer.name for layer in model.layers if activations and _holds_output(layer, model)}

    def wrap(layer):
        if not kernel_attribute(layer) and layer.name not in rounded:
            return layer
        return QuantizedLayer(layer, output=layer.name in rounded)

    wrapped = cloned(model, wrap)
    for name, kernel in found.items():
        wrapped.get_layer(QuantizedLayer.prefix + name).set_mask(kernel.numpy() != 0)
    if calibration is not None:
        _calibrate(wrapped, model, sorted(rounded), calibration)
    return wrapped


def strip_quantization(model: keras.Model) -> keras.Model:
    """A plain model with the rounded kernels; the wrapped model is not changed.

    The plain model does not round its feature maps: the runtime of the exported file does.

    Raises:
        ValueError: the model has no quantized layer.
    """
    return stripped(model, QuantizedLayer)


def _holds_output(layer, model):
    """Whether an integer runtime stores the layer's output in 8 bits with its own range."""
    if isinstance(layer, keras.layers.InputLayer) or moves_numbers(layer):
        return False
    consumers = [node.layer for node in layer.outbound_nodes if node.layer in model.layers]
    return len(consumers) != 1 or not _folds(layer, consumers[0])


def _folds(layer, consumer):
    """Whether an integer runtime computes both layers at once."""
    if getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear:
        return False
    convolves = bool(kernel_attribute(layer))
    if isinstance(consumer, keras.layers.ReLU):
        return convolves or is_affine_at_inference(layer) or isinstance(layer, keras.layers.Add)
    return is_affine_at_inference(consumer) and convolves


def _calibrate(wrapped, model, names, features):
    """Set the ranges of the named layers' outputs to the ranges in the plain model."""
    maps = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    low, high = np.zeros(len(names)), np.zeros(len(names))
    for begin in range(0, len(features), 8):
        outputs = tf.nest.flatten(maps(features[begin : begin + 8], training=False))
        low = np.minimum(low, [output.numpy().min() for output in outputs])
        high = np.maximum(high, [output.numpy().max() for output in outputs])
    for name, lowest, highest in zip(names, low, high, strict=True):
        wrapped.get_layer(QuantizedLayer.prefix + name).set_range(lowest, highest)
