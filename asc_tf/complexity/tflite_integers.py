"""Whole numbers that a .tflite file computes from stored numbers and shapes. Needs no TensorFlow."""

import numpy as np

_BINARY = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "MINIMUM": np.minimum,
    "MAXIMUM": np.maximum,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
}
_SAME = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST"}  # of one number
_MOST_EVALUATIONS = 200_000


def evaluate(operator, known):
    """The result of an operator, if it is one whole number or truth value, or the lengths of a shape.

    Counters and limits of loops consist of such results; anything else is unknown.

    Args:
        operator: `tflite_graph.Operator`.
        known: function from a tensor to its numbers, a flat array, or None.

    Returns:
        A flat array, or None.
    """
    name, inputs = operator.name, operator.inputs
    if name == "SHAPE":
        return None if None in inputs[0].shape else np.array(inputs[0].shape)
    values = [None if tensor is None else known(tensor) for tensor in inputs]
    if any(value is None for value in values) or not values:
        return None
    if name in _BINARY and all(value.size == 1 for value in values):
        return np.atleast_1d(_BINARY[name](*values)) if name != "FLOOR_DIV" or values[1].all() else None
    if name == "LOGICAL_NOT" and values[0].size == 1:
        return ~values[0].astype(bool)
    if name in _SAME and values[0].size == 1:
        return values[0]
    if name == "STRIDED_SLICE" and all(value.size == 1 for value in values[1:]):
        options, (begin, _, stride) = operator.options, (int(value[0]) for value in values[1:])
        if options.shrinkAxisMask == 1 and not options.beginMask and stride == 1:
            return values[0][begin : begin + 1 or None]
    return None


def loop_trips(cond, body, start):
    """Number of runs of a loop's body, found by running its counters; None if other than whole numbers decide it.

    Args:
        cond, body: `tflite_graph.Graph`s of a WHILE.
        start: flat arrays of its inputs, None for unknown ones.
    """
    counting = [operator for operator in body.operators if operator.name in {*_BINARY, *_SAME, "LOGICAL_NOT"}]
    cost, trips = 1 + len(cond.operators) + len(counting), 0
    state = list(start)
    while cost * trips <= _MOST_EVALUATIONS:
        (goes_on,) = _values(cond.operators, cond, state)
        if goes_on is None or goes_on.size != 1:
            return None
        if not goes_on[0]:
            return trips
        state, trips = _values(counting, body, state), trips + 1
    return None


def _values(operators, graph, inputs):
    """The outputs of a graph, as far as these operators determine them."""
    values = {tensor.index: value for tensor, value in zip(graph.inputs, inputs, strict=True)}

    def known(tensor):
        return values[tensor.index] if tensor.index in values else stored_integers(tensor)

    for operator in operators:
        if len(operator.outputs) == 1:
            values[operator.outputs[0].index] = evaluate(operator, known)
    return [known(tensor) for tensor in graph.outputs]


def stored_integers(tensor):
    """The flat array of a stored tensor of a few whole numbers, or None."""
    return None if tensor.integers is None else np.array(tensor.integers)
