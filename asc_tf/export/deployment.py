"""From a trained network to an equivalent one for the device."""

import numpy as np
import tf_keras as keras

from asc_tf.export.deployment_layers import (
    BandedDepthwiseConv2D,
    BinwiseDepthwiseConv2D,
    SpaceToDepthConv2D,
    binwise_weights,
    space_to_depth_weights,
)
from asc_tf.layers.contract import identity_at_inference, inference_affine, kernel_attribute, takes_affine


def deployment_graph(model, space_to_depth=False, binwise=False):
    """A new network that computes what `model` computes at inference, in fewer and faster operations.

    Normalizations that scale and shift each channel are folded into the convolution before them, those that do so band
    by band (SubSpectral Normalization) into the depthwise convolution before them. Layers that do nothing at inference,
    such as dropout, are removed. Layers state these facts themselves (`asc_tf.layers.contract`). A normalization
    without its own convolution before it is not changed, nor is any other layer: ResNorm already consists of products
    and sums. Layers keep their names; folded layers pass on their inputs.

    Args:
        model: flat functional network of `asc_tf.models`, or any other functional model; it is not changed.
        space_to_depth: rewrite 5x5 convolutions of stride 2 on one channel as `SpaceToDepthConv2D`: faster in int8,
            slower in float.
        binwise: sub-bands as `BinwiseDepthwiseConv2D`: less memory on a microcontroller, slower.

    Returns:
        A functional `keras.Model` of the same inputs and outputs, up to float error.

    Reference: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", CVPR 2018, section 3.2, for batch normalization.
    """
    normalizations = _foldable_normalizations(model)
    relus = _relus_of_stems(model, normalizations) if space_to_depth else {}
    taken = {*normalizations.values(), *relus.values()}
    weights = {}

    def deployed(layer):
        if layer in taken or identity_at_inference(layer):
            return keras.layers.Activation("linear", name=layer.name)
        if space_to_depth and _is_narrow_stem(layer):
            activation = "relu" if layer in relus else None
            new, values = _stem(layer, normalizations.get(layer), activation, pairs=not binwise)
        else:
            new, values = _substitute(layer, normalizations.get(layer), binwise)
        weights[layer.name] = values
        return new

    clone = keras.models.clone_model(model, clone_function=deployed)
    for layer in clone.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])
    return clone


def _foldable_normalizations(model):
    """{convolution: the normalization that is the only reader of its outputs}."""
    found = {}
    for layer in model.layers:
        if not takes_affine(layer):
            continue
        reader = _only_reader(model, layer)
        affine = inference_affine(reader) if reader is not None and len(reader.inbound_nodes) == 1 else None
        if affine is not None and (affine[0].ndim < 2 or _takes_bands(layer)):
            found[layer] = reader
    return found


def _relus_of_stems(model, normalizations):
    """{stem: the ReLU that is the only reader of its outputs, normalized or not}."""
    stems = [layer for layer in model.layers if _is_narrow_stem(layer)]
    readers = {layer: _only_reader(model, normalizations.get(layer, layer)) for layer in stems}
    return {layer: reader for layer, reader in readers.items() if _is_plain_relu(reader)}


def _only_reader(model, layer):
    """The only reader of a layer's outputs, if the layer was called once; else None."""
    readers = [node.layer for node in layer.outbound_nodes if node.layer in model.layers]
    if len(readers) != 1 or len(layer.inbound_nodes) != 1 or any(layer.output is output for output in model.outputs):
        return None
    return readers[0]


def _is_plain_relu(layer):
    if not isinstance(layer, keras.layers.ReLU) or len(layer.inbound_nodes) != 1:
        return False
    return layer.max_value is None and not layer.negative_slope and not layer.threshold


def _takes_bands(layer):
    """Whether a convolution can become a `BandedDepthwiseConv2D`."""
    return (
        isinstance(layer, keras.layers.DepthwiseConv2D)
        and layer.depth_multiplier == 1
        and layer.padding == "same"
        and tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1)
        and all(size % 2 for size in layer.kernel_size)
    )


def _substitute(layer, normalization, binwise):
    """(new layer, its weights) to replace a layer and the normalization folded into it, or None."""
    if normalization is None:
        return type(layer).from_config(layer.get_config()), layer.get_weights()
    scale, offset = inference_affine(normalization)
    if scale.ndim == 2:
        kernel, bias = _kernel_and_bias(layer)
        if binwise:
            new = BinwiseDepthwiseConv2D(len(scale), layer.kernel_size, name=layer.name)
            return new, binwise_weights(kernel, bias, scale, offset)
        new = BandedDepthwiseConv2D(len(scale), layer.kernel_size, name=layer.name)
        return new, [kernel[np.newaxis] * scale[:, np.newaxis, np.newaxis, :, np.newaxis], bias * scale + offset]
    return type(layer).from_config({**layer.get_config(), "use_bias": True}), _folded(layer, normalization)


def _stem(layer, normalization, activation, pairs):
    """As `_substitute`, for a narrow stem and the activation after it."""
    weights = space_to_depth_weights(*_folded(layer, normalization), layer.input.shape[1:3], pairs)
    return SpaceToDepthConv2D(layer.filters, activation, pairs, name=layer.name), list(weights)


def _folded(layer, normalization):
    """[kernel, bias] of a convolution, with a batch normalization (or None) folded in."""
    kernel, bias = _kernel_and_bias(layer)
    scale, offset = (np.float64(1), np.float64(0)) if normalization is None else inference_affine(normalization)
    # A depthwise kernel ends in [channel, multiplier]; its outputs are these two axes flattened.
    kernel = (kernel.reshape(*kernel.shape[:2], -1, bias.size) * scale).reshape(kernel.shape)
    return [kernel, bias * scale + offset]


def _kernel_and_bias(layer):
    values = [value.astype(np.float64) for value in layer.get_weights()]
    kernel = values[0]
    outputs = kernel.shape[2] * kernel.shape[3] if kernel_attribute(layer) == "depthwise_kernel" else kernel.shape[3]
    return kernel, values[1] if layer.use_bias else np.zeros(outputs)


def _is_narrow_stem(layer):
    return (
        type(layer) is keras.layers.Conv2D
        and tuple(layer.kernel_size) == (5, 5)
        and tuple(layer.strides) == (2, 2)
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.padding == "same"
        and layer.groups == 1
        and layer.activation is keras.activations.linear
        and layer.input.shape[3] == 1
    )
