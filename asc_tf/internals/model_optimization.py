"""Names of TensorFlow Model Optimization that are not public."""

from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import PruneLowMagnitude

TESTED = "tensorflow-model-optimization 0.8.1"

# The public function wraps the layers of its own list, where depthwise convolutions have nothing to prune.
PruningWrapper = PruneLowMagnitude


def is_wrapper(layer):
    """Whether a layer is one of TF Model Optimization's wrappers, of pruning or of quantization."""
    return hasattr(layer, "pruning_vars") or hasattr(layer, "_weight_vars")


def pruned_weights(layer):
    """[(weight, mask)] of a pruning wrapper, which does not document its variables; empty for any other layer."""
    return [(weight, mask) for weight, mask, _ in getattr(layer, "pruning_vars", [])]


def start_schedule(layer):
    """Begin a pruning wrapper's schedule, as the public callback does at the start of a training."""
    layer.pruning_step.assign(0)


def quantized_weights(layer):
    """[(weight, quantizer, its variables)] of a quantizing wrapper; empty for any other layer.

    Inside the wrapper the layer holds a tensor in place of its weight: only the wrapper knows the variable.
    """
    return list(getattr(layer, "_weight_vars", []))


def output_range(layer):
    """The variables of a quantizing wrapper's output quantizer, {name: variable}; the wrapper does not show them."""
    return layer._output_quantizer_vars
