"""The operators of a .tflite file as one list, including the graphs that they call. Needs no TensorFlow."""

import dataclasses
import itertools
from dataclasses import dataclass

from asc_tf.complexity.tflite_graph import Graph, Operator
from asc_tf.complexity.tflite_integers import evaluate, loop_trips, stored_integers

INITIALLY, UNCALLED = "initially", "uncalled"
_MOST_STEPS = 100_000


@dataclass(frozen=True)
class Step:
    """One operator in the order of execution.

    Args:
        operator: with tensors numbered anew, so that two calls of a graph have separate tensors.
        times: number of runs per inference; None if unknown.
        when: "" for an inference, INITIALLY for steps that run once before the first one.
    """

    operator: Operator
    times: int | None = 1
    when: str = ""


def steps_of(graphs, cost):
    """All steps of one inference in order, then the steps of graphs that nothing calls.

    The steps of a called graph replace the call. A WHILE stays as a step that hands its initial state to the loop, and
    as a step without outputs at its end, for tensors that live as long as the loop. Of the two branches of an IF the
    costlier one counts; the other has `times` 0. READ_VARIABLE and ASSIGN_VARIABLE share a tensor for each variable.
    Other operators without outputs only read.

    Args:
        graphs: of `tflite_graph.read_graphs`.
        cost: function from a list of `Step` to their cost, to compare two branches.

    Returns:
        ([`Step`] of an inference, [`Step`] of the graphs that nothing calls, `Graph` of all operators of an inference
        with the file's inputs and outputs).

    Raises:
        ValueError: a graph that calls itself, or far too many calls.
    """
    calls = _Calls(graphs, cost)
    inputs, outputs, steps = calls.run(0, None, 1, "", ())
    uncalled = []
    for index in range(len(graphs)):
        if index not in calls.called:
            uncalled += calls.run(index, None, None, UNCALLED, ())[2]
    return steps, uncalled, Graph(graphs[0].name, [step.operator for step in steps], inputs, outputs)


class _Calls:
    def __init__(self, graphs, cost):
        self.graphs, self.cost = graphs, cost
        self.called = set()
        self._numbers = itertools.count()
        self._variables, self._handles, self._integers = {}, {}, {}
        self._made = 0

    def run(self, index, given, times, when, path):
        """Enter a graph with the tensors `given`, or its own if None: (its inputs, its outputs, its steps)."""
        if index in path:
            raise ValueError("a graph that calls itself")
        self.called.add(index)
        graph, path = self.graphs[index], (*path, index)
        given = given or [self._new(tensor) for tensor in graph.inputs]
        tensors = {tensor.index: each for tensor, each in zip(graph.inputs, given, strict=True)}

        def at(tensor):
            if tensor is not None and tensor.index not in tensors:
                tensors[tensor.index] = self._new(tensor)
            return None if tensor is None else tensors[tensor.index]

        steps = []
        for operator in graph.operators:
            inputs = [at(tensor) for tensor in operator.inputs]
            run = getattr(self, f"_{operator.name.lower()}", self._plain)
            outputs, made = run(operator, inputs, times, when, path)
            self._made += 1 + len(made)
            if self._made > _MOST_STEPS:
                raise ValueError(f"more than {_MOST_STEPS} operators")
            tensors.update(zip((tensor.index for tensor in operator.outputs), outputs, strict=True))
            steps += made
        return given, [at(tensor) for tensor in graph.outputs], steps

    def _new(self, tensor, **changes):
        tensor = dataclasses.replace(tensor, index=next(self._numbers), **changes)
        self._integers[tensor.index] = stored_integers(tensor)
        return tensor

    def _plain(self, operator, inputs, times, when, path):
        """An operator not known to call graphs: its graphs run an unknown number of times."""
        outputs = [self._new(tensor) for tensor in operator.outputs]
        done = dataclasses.replace(operator, inputs=tuple(inputs), outputs=tuple(outputs))
        if len(outputs) == 1:
            self._integers[outputs[0].index] = evaluate(done, lambda tensor: self._integers[tensor.index])
        steps = [Step(done, times, when)]
        for index in operator.calls.values():
            steps += self.run(index, None, None, when, path)[2]
        return outputs, steps

    def _call(self, operator, inputs, times, when, path):
        (index,) = operator.calls.values()
        _, outputs, steps = self.run(index, inputs, times, when, path)
        return outputs, steps

    _stablehlo_composite = _call

    def _call_once(self, operator, inputs, times, when, path):
        (index,) = operator.calls.values()
        return [], self.run(index, None, 0, INITIALLY, path)[2]

    def _if(self, operator, inputs, times, when, path):
        condition, *given = inputs
        branches = [self.run(operator.calls[role], given, times, when, path)[1:] for role in ("then", "else")]
        costs = [self.cost(steps) for _, steps in branches]
        cheaper = 0 if costs[0] < costs[1] else 1
        steps = []
        for number, (_, made) in enumerate(branches):
            steps += [dataclasses.replace(step, times=0) for step in made] if number == cheaper else made
        outputs = [self._new(tensor) for tensor in operator.outputs]
        read = (condition, *(tensor for given_out, _ in branches for tensor in given_out))
        steps.append(Step(dataclasses.replace(operator, inputs=read, outputs=tuple(outputs)), times, when))
        return outputs, steps

    def _while(self, operator, inputs, times, when, path):
        cond, body = (self.graphs[operator.calls[role]] for role in ("cond", "body"))
        ends = zip(body.inputs, body.outputs, strict=True)
        constant = [taken.index == given.index for taken, given in ends]
        trips = loop_trips(cond, body, [self._integers[tensor.index] for tensor in inputs])
        state = [
            tensor if same else self._new(tensor, name=output.name, buffer=None, integers=None)
            for tensor, same, output in zip(inputs, constant, operator.outputs, strict=True)
        ]
        into = [(tensor, new) for tensor, new in zip(inputs, state, strict=True) if tensor is not new]
        enter = dataclasses.replace(
            operator, inputs=tuple(tensor for tensor, _ in into), outputs=tuple(new for _, new in into)
        )
        checks, runs = (None if None in (times, trips) else times * n for n in ((trips or 0) + 1, trips))
        checked = self.run(operator.calls["cond"], state, checks, when, path)
        results, made = self.run(operator.calls["body"], state, runs, when, path)[1:]
        leave = dataclasses.replace(operator, inputs=(*state, *results), outputs=())
        return results, [Step(enter, times, when), *checked[2], *made, Step(leave, times, when)]

    def _var_handle(self, operator, inputs, times, when, path):
        handle = self._new(operator.outputs[0])
        self._handles[handle.index] = (operator.options.container, operator.options.sharedName)
        return [handle], []

    def _read_variable(self, operator, inputs, times, when, path):
        outputs = [self._new(tensor) for tensor in operator.outputs]
        variable = self._variable(inputs[0], outputs[0])
        return outputs, [Step(dataclasses.replace(operator, inputs=(variable,), outputs=tuple(outputs)), times, when)]

    def _assign_variable(self, operator, inputs, times, when, path):
        variable = self._variable(*inputs)
        return [], [Step(dataclasses.replace(operator, inputs=(inputs[1],), outputs=(variable,)), times, when)]

    def _variable(self, handle, value):
        """The tensor of a variable, with the type and shape of any of its values."""
        key = self._handles.get(handle.index, handle.index)
        if key not in self._variables:
            name = key[1].decode(errors="replace") if isinstance(key, tuple) and key[1] else value.name
            self._variables[key] = self._new(value, name=name, buffer=None, integers=None, is_state=True)
        return self._variables[key]
