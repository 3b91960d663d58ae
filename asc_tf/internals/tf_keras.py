"""What is not public of tf_keras, Keras 2."""

import tf_keras as keras
from tf_keras.src import backend

TESTED = "tf_keras 2.16.0 and 2.21.0"


def forget_seed():
    """Undo `keras.utils.set_random_seed`, whose generator would go before the seeds that follow.

    Keras keeps it for the rest of the process and has no way to take it back.
    """
    backend._SEED_GENERATOR.generator = None


def random_generators(model):
    """The generators from which the model's dropout layers draw, as a list of trackable objects.

    Keras keeps them out of a model's checkpoint, and a layer does not show its own.
    """
    return [layer._random_generator for layer in model.layers if hasattr(layer, "_random_generator")]


def is_graph_of_layers(model):
    """Whether it is a Keras model whose calls of layers are known: functional, or sequential and built.

    The class of functional models has no public name, and a sequential model becomes one when it is built.
    """
    return isinstance(model, keras.Model) and bool(getattr(model, "_is_graph_network", False))


def calls(model):
    """The calls of layers that make up a model, in an order in which they can be executed.

    Keras lists a model's layers, not their calls, of which a shared layer has several.

    Args:
        model: for which `is_graph_of_layers` holds.

    Yields:
        A node of Keras each. `layer` is called with `call_args` and `call_kwargs`, in which stand the symbolic tensors
        `keras_inputs`, and gave `outputs`.
    """
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def build_metrics(model, predictions, labels):
    """Make the variables of a compiled model's losses and metrics, which Keras would make at the first batch.

    Args:
        model: compiled.
        predictions, labels: example tensors.
    """
    model.compiled_loss.build(predictions)
    model.compiled_metrics.build(predictions, labels)
