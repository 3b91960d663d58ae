"""The kernels of a network, which pruning and quantization change."""

import tf_keras as keras

from asc_tf.internals.model_optimization import quantized_weights
from asc_tf.internals.tf_keras import is_graph_of_layers
from asc_tf.layers.contract import kernel_attribute


def kernels(model):
    """{name of the layer: variable} of all kernels of a plain model, in the order of its layers.

    Raises:
        ValueError: the model is not functional, is already wrapped, has no kernel, or has one that cannot be
        compressed.
    """
    if not is_graph_of_layers(model):
        raise ValueError(f"{type(model).__name__} cannot be compressed; expected a functional Keras model")
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Wrapper):
            raise ValueError(f"layer '{layer.name}' is wrapped already; strip the model's wrappers first")
        attribute = kernel_attribute(layer)
        if attribute:
            found[layer.name] = getattr(layer, attribute)
        elif any(weight.name.split("/")[-1].split(":")[0].endswith("kernel") for weight in layer.weights):
            raise ValueError(
                f"layer '{layer.name}' ({type(layer).__name__}) cannot be compressed; expected a flat model of Conv2D, "
                "DepthwiseConv2D and Dense layers"
            )
    if not found:
        raise ValueError(f"model '{model.name}' has no convolution or dense layer to compress")
    return found


def effective_kernels(model):
    """{name of the layer: array} of all kernels as inference sees them, with masks and quantizers applied.

    Args:
        model: functional model, plain or wrapped by `prune` or `quantize`.
    """
    found = {}
    for layer in model.layers:
        plain = _plain(layer)
        attribute = kernel_attribute(plain)
        if attribute:
            kernel = getattr(plain, attribute) if layer is plain else layer.effective_kernel()
            found[plain.name] = kernel.numpy()
    return found


def stripped(model, wrapper):
    """A plain model with the kernels as the wrappers of that class give them at inference; `model` is not changed.

    Raises:
        ValueError: the model has no such wrapper.
    """
    if not any(isinstance(layer, wrapper) for layer in model.layers):
        raise ValueError(f"model '{model.name}' has no layer to strip of its {wrapper.__name__}")
    result = cloned(model)
    for name, values in effective_kernels(model).items():
        layer = result.get_layer(name)
        getattr(layer, kernel_attribute(layer)).assign(values)
    return result


def cloned(model, wrap=lambda layer: layer):
    """A new flat model of the same settings and weights, not compiled and without the wrappers of `model`.

    Args:
        model: functional model, each layer plain or in a wrapper of TF Model Optimization.
        wrap: function from a new layer, not built yet, to the layer that takes its place.
    """

    def copy_of(layer):
        plain = _plain(layer)
        return wrap(type(plain).from_config(plain.get_config()))

    result = keras.models.clone_model(model, clone_function=copy_of)
    given = {_plain(layer).name: layer for layer in model.layers}
    for layer in result.layers:
        for variable, value in zip(_variables(layer), _variables(given[_plain(layer).name]), strict=True):
            variable.assign(value)
    return result


def _plain(layer):
    return layer.layer if isinstance(layer, keras.layers.Wrapper) else layer


def _variables(layer):
    """The variables of a layer, kernel first, without those of a wrapper around it."""
    plain = _plain(layer)
    attribute = kernel_attribute(plain)
    first = [variable for variable, _, _ in quantized_weights(layer)]  # a tensor takes the kernel's place in the layer
    if attribute and not first:
        first = [getattr(plain, attribute)]
    return [*first, *(weight for weight in plain.weights if all(weight is not variable for variable in first))]
