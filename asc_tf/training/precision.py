"""Mixed precision: a network that computes in 16 bits while its weights stay 32-bit floating point."""

import tf_keras as keras


def with_precision(network: keras.Model, precision: str) -> keras.Model:
    """A network of the same layers and weights whose layers compute in another precision.

    The layers that make the logits, the network's outputs, always compute in float32, and normalizations take their
    statistics in float32 for any input. Weights are float32 variables under every precision.

    Args:
        network: functional model, not changed; it shares no weights with the result.
        precision: "float32", "mixed_float16" or "mixed_bfloat16".

    Reference: Micikevicius et al., "Mixed Precision Training", ICLR 2018, section 3.1.
    """
    ends = [tensor.node.layer for tensor in network.outputs]

    def copy_of(layer):
        dtype = "float32" if layer in ends else precision
        return type(layer).from_config({**layer.get_config(), "dtype": dtype})

    copy = keras.models.clone_model(network, clone_function=copy_of)
    copy.set_weights(network.get_weights())
    return copy


def is_mixed(network: keras.Model) -> bool:
    """Whether any layer computes in a precision other than that of its weights."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for layer in network.layers)


def with_scaled_loss(optimizer: keras.optimizers.Optimizer, network: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer; for a network that computes in float16, one that scales the loss so that no gradient becomes 0.

    Reference: as `with_precision`, section 3.2.
    """
    if any(layer.compute_dtype == "float16" for layer in network.layers):
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer
