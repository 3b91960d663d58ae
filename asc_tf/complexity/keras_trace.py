"""One symbolic run of a Keras model, which records the TensorFlow operations of each layer."""

import contextlib
from dataclasses import dataclass

import tensorflow as tf
import tf_keras as keras

from asc_tf.errors import AscError
from asc_tf.internals.tf_keras import calls as calls_of
from asc_tf.internals.tf_keras import is_graph_of_layers

# Operations that only give their first input another name or shape; they take no memory.
VIEWS = {"Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "PreventGradient", "Snapshot"}


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Args:
        name: of the layer; for a layer in a nested model, with that model's name before it.
        layer: the Keras layer.
        inputs, outputs: lists of the call's symbolic tensors [1, ...].
        operations: the `tf.Operation`s between them, in order of creation.
    """

    name: str
    layer: keras.layers.Layer
    inputs: list
    outputs: list
    operations: list


@dataclass(frozen=True)
class Trace:
    """All calls in the order of execution, with the model's inputs and outputs, for a batch of one at inference."""

    calls: list
    inputs: list
    outputs: list


def trace(model, length=None):
    """Run a model on symbolic inputs, layer by layer.

    The account counts the operations of the layers' own code, so a new layer needs no entry in a table.

    Args:
        model: functional or sequential `keras.Model`, built, with static shapes except the batch. Nested models are
            entered.
        length: length of the inputs' open axes (except the batch).

    Returns:
        A `Trace`.

    Raises:
        AscError: not such a model, an axis of an input is of unknown length, or a length was given though no axis is
        open.
    """
    _check(model)
    signature = [tf.TensorSpec((1, *shape), dtype, name="input") for shape, dtype in _inputs(model, length)]
    traced = []

    def run(*inputs):
        calls = []
        outputs = _run(model, inputs, "", calls)
        traced.append(Trace(calls, list(inputs), outputs))
        return outputs

    with _functions_inlined():
        tf.function(run, autograph=False).get_concrete_function(*signature)
    return traced[-1]


@contextlib.contextmanager
def _functions_inlined():
    """Inside, a `tf.function` called by a layer (Keras's grouped convolution is one) adds its operations directly."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def storage(tensor, inputs):
    """The input of a layer whose memory the output shares; None if the output has its own memory."""
    # Tensors compare elementwise: `in` would not do.
    known = {id(each): each for each in inputs}
    while id(tensor) not in known:
        if tensor.op.type not in VIEWS:
            return None
        tensor = tensor.op.inputs[tensor.value_index if tensor.op.type == "IdentityN" else 0]
    return known[id(tensor)]


def _check(model):
    if not is_graph_of_layers(model):
        raise AscError(
            f"{getattr(model, 'name', model)}: is a {type(model).__name__} without a graph of layers; "
            "expected a functional or a built sequential tf_keras model"
        )


def _inputs(model, length):
    """(shape without the batch, type) of each input, with no open length."""
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    is_open = any(None in shape for shape in shapes)
    if is_open != (length is not None):
        found = ", ".join(str((None, *shape)) for shape in shapes)
        hint = "expected all but the batch to be known: give --length"
        hint = hint if is_open else f"there is no other length for it, such as {length}"
        raise AscError(f"{model.name}: its input has the shape {found}; {hint}")
    known = [tuple(length if each is None else each for each in shape) for shape in shapes]
    return list(zip(known, [tensor.dtype for tensor in model.inputs], strict=True))


def _run(model, inputs, prefix, calls):
    values = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in calls_of(model):
        outputs = _call(node, values, prefix, calls)
        values.update(zip(map(id, tf.nest.flatten(node.outputs)), outputs, strict=True))
    return [values[id(tensor)] for tensor in model.outputs]


def _call(node, values, prefix, calls):
    arguments = (node.call_args, node.call_kwargs)
    args, kwargs = tf.nest.map_structure(lambda value: values.get(id(value), value), arguments)
    layer, name = node.layer, f"{prefix}{node.layer.name}"
    inputs = [values[id(tensor)] for tensor in node.keras_inputs]
    if isinstance(layer, keras.Model):
        _check(layer)
        return _run(layer, inputs, f"{name}/", calls)
    graph = tf.compat.v1.get_default_graph()
    before = len(graph.get_operations())
    outputs = tf.nest.flatten(layer(*args, **kwargs))
    calls.append(Call(name, layer, inputs, outputs, graph.get_operations()[before:]))
    return outputs
