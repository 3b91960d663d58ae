"""The time of each operator of a .tflite file, measured alone in a separate file. Needs no TensorFlow."""

import copy
from collections import Counter

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from asc_tf.runtime.latency import median_milliseconds
from asc_tf.runtime.sharing_builder import packed

_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def milliseconds_by_kind(content, rounds=7, runs=10):
    """{kind of operator: (number, milliseconds of all)}, slowest first, for LiteRT on one thread.

    An operator's time is the median over rounds, in which all take turns, minus that of the fastest operator, which is
    the cost of a call. It does not include the operators' effects on each other, through caches and changes between
    sets of kernels.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    (graph,) = model.subgraphs
    interpreters = [_interpreter(model, graph, operator) for operator in graph.operators]
    times = np.median([[median_milliseconds(it.invoke, runs) for it in interpreters] for _ in range(rounds)], axis=0)
    counts, totals = Counter(), Counter()
    for operator, spent in zip(graph.operators, times - times.min(), strict=True):
        code = model.operatorCodes[operator.opcodeIndex]
        kind = _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        counts[kind] += 1
        totals[kind] += spent
    return {kind: (counts[kind], spent) for kind, spent in totals.most_common()}


def _interpreter(model, graph, operator):
    """An interpreter that has run the operator once, on noise."""
    alone, part, single = schema.ModelT(), schema.SubGraphT(), copy.copy(operator)
    places = {int(index): place for place, index in enumerate(dict.fromkeys((*operator.inputs, *operator.outputs)))}
    single.opcodeIndex = 0
    single.inputs, single.outputs = (
        [places[int(index)] for index in ends] for ends in (operator.inputs, operator.outputs)
    )
    part.tensors, part.operators, part.outputs = (
        [copy.copy(graph.tensors[index]) for index in places],
        [single],
        single.outputs,
    )
    alone.version, alone.buffers, alone.subgraphs = 3, [schema.BufferT()], [part]
    alone.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    for tensor in part.tensors:
        stored = model.buffers[tensor.buffer] if tensor.buffer else None
        tensor.buffer = 0
        if stored is not None and stored.data is not None:
            tensor.buffer = len(alone.buffers)
            alone.buffers.append(stored)
    part.inputs = [place for place in dict.fromkeys(single.inputs) if not part.tensors[place].buffer]
    interpreter = Interpreter(model_content=packed(alone), num_threads=1)
    interpreter.allocate_tensors()
    for taken in interpreter.get_input_details():
        noise = np.random.default_rng(0).normal(0, 40 if taken["dtype"] == np.int8 else 1, taken["shape"])
        interpreter.set_tensor(taken["index"], noise.clip(-128, 127).astype(taken["dtype"]))
    interpreter.invoke()
    return interpreter
