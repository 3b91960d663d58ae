"""Names of tf_keras (Keras 2) that are not public."""

import tf_keras as keras
from tf_keras.src import backend

TESTED = "tf_keras 2.16.0 and 2.21.0"
FUNCTIONAL = ("tf_keras.src.engine.functional", "Functional")
"""Module and class that a .keras file names for a functional model: it has no public name."""


def forget_seed():
    """Undo `keras.utils.set_random_seed`, whose generator would override later seeds.

    Keras keeps this generator for the rest of the process and offers no way to remove it.
    """
    backend._SEED_GENERATOR.generator = None


def random_generators(model):
    """The generators that the model's dropout layers draw from, as a list of trackable objects.

    Keras leaves them out of a model's checkpoint, and layers do not show their generators.
    """
    return [layer._random_generator for layer in model.layers if hasattr(layer, "_random_generator")]


def is_graph_of_layers(model):
    """Whether an object is a Keras model with known calls of its layers: functional, or sequential and built.

    The class of functional models has no public name; a sequential model becomes functional when built.
    """
    return isinstance(model, keras.Model) and bool(getattr(model, "_is_graph_network", False))


def calls(model):
    """The calls of layers that make up a model, in an order of execution.

    Keras lists a model's layers, but not their calls; a shared layer has several.

    Args:
        model: for which `is_graph_of_layers` holds.

    Yields:
        One Keras node per call. `layer` is called with `call_args` and `call_kwargs`, which contain the symbolic
        tensors `keras_inputs`, and gave `outputs`.
    """
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def build_metrics(model, predictions, labels):
    """Make the variables of a compiled model's losses and metrics; Keras would make them at the first batch.

    Args:
        model: compiled.
        predictions, labels: example tensors.
    """
    model.compiled_loss.build(predictions)
    model.compiled_metrics.build(predictions, labels)
