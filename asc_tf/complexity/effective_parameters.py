"""The parameters of a Keras layer as inference will see them."""

import numpy as np

from asc_tf.complexity.parameters import Parameters
from asc_tf.internals.model_optimization import is_wrapper, pruned_weights, quantized_weights

_KINDS = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "pointwise_kernel": "kernel",
    "recurrent_kernel": "kernel",
    "embeddings": "kernel",
    "bias": "bias",
    "gamma": "norm",
    "beta": "norm",
    "moving_mean": "statistic",
    "moving_variance": "statistic",
}


def parameters_of(layer, seen=None):
    """`Parameters` of a layer, wrapped by TF Model Optimization or not.

    Masks, thresholds, ranges of quantizers and counters of steps serve training only and are left out. A pruned kernel
    is counted with its mask applied, a quantized one after its quantizer and in the quantizer's type: in
    quantization-aware training the variable itself drifts, and a mask may be stored in the quantizer alone.

    Args:
        layer: a built Keras layer.
        seen: set of the ids of variables counted so far, which grows; a shared layer counts once.

    Returns:
        A list of `Parameters`.
    """
    seen = set() if seen is None else seen
    trainable = {id(variable) for variable in layer.trainable_weights}
    result = []
    for variable, values, dtype in _stored(layer):
        if id(variable) not in seen:
            seen.add(id(variable))
            kind = _KINDS.get(variable.name.split("/")[-1].split(":")[0], "other")
            nonzeros = int(np.count_nonzero(values))
            result.append(Parameters(variable.name, kind, dtype, values.size, nonzeros, id(variable) in trainable))
    return result


def _stored(layer):
    """(variable, its numbers at inference, their type) of each parameter."""
    masks = {id(variable): mask for variable, mask in pruned_weights(layer)}
    quantized = quantized_weights(layer)
    quantizers = {id(variable): rest for variable, *rest in quantized}
    owner = layer.layer if is_wrapper(layer) else layer
    variables = [*(variable for variable, *_ in quantized), *owner.weights]
    for variable in variables:
        values, dtype = np.asarray(variable), variable.dtype.name
        if id(variable) in masks:
            values = values * np.asarray(masks[id(variable)])
        if id(variable) in quantizers:
            quantizer, state = quantizers[id(variable)]
            values = np.asarray(quantizer(variable, False, weights=state))
            dtype = f"int{quantizer.get_config().get('num_bits', 8)}"
        if variable.dtype.is_floating:  # whole numbers count steps or examples
            yield variable, values, dtype
