"""The kernels of a network: what pruning and quantization work on."""

import tf_keras as keras


def kernel_attribute(layer):
    """Name of the attribute under which a layer keeps its kernel, or None if it has none to compress.

    Convolutions, depthwise convolutions and dense layers have one, subclasses of them too; not so transposed
    convolutions, whose output channels lie on another axis.
    """
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return "depthwise_kernel"
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        return None if isinstance(layer, keras.layers.Conv2DTranspose) else "kernel"
    return None


def kernels(model):
    """{name of the layer: variable} of all kernels of a plain model, in the order of its layers.

    Raises:
        ValueError: the model is not functional, is wrapped already, has no kernel, or one that cannot be compressed.
    """
    if not isinstance(model, keras.Model) or not getattr(model, "_is_graph_network", False):
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


def copy_of(layer):
    """A new layer of the same settings, without weights."""
    return type(layer).from_config(layer.get_config())


def copy_with_weights(model):
    """A new model of the same layers, settings and weights, not compiled."""
    copied = keras.models.clone_model(model, clone_function=copy_of)
    copied.set_weights(model.get_weights())
    return copied
