"""Values of a .tflite file's intermediate tensors. Needs no TensorFlow."""

import copy

import numpy as np

from asc_tf.runtime.classifier import to_quantized
from asc_tf.runtime.interpreter import loaded
from asc_tf.runtime.sharing_builder import packed


def values_of(model, tensors, features):
    """Run a file clip by clip and yield, for each clip, the stored numbers of some tensors: {index: array}.

    The tensors become outputs of a copy of the file, so that no runtime reuses their memory, and operators that do not
    lead to them are left out of it.

    Args:
        model: `schema.ModelT` of one subgraph; it is not changed.
        tensors: indices of tensors that operators of the graph write.
        features: [clips, ...], each clip as the file takes it, in real numbers.
    """
    shown = copy.copy(model)
    graph = copy.copy(model.subgraphs[0])
    shown.subgraphs, shown.signatureDefs = [graph], None
    graph.outputs = [int(index) for index in tensors]
    graph.operators = _leading_to(graph.operators, graph.outputs)
    interpreter = loaded(packed(shown))
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()
    for clip in features:
        interpreter.set_tensor(taken["index"], to_quantized(np.asarray(clip)[np.newaxis], taken))
        interpreter.invoke()
        yield {index: interpreter.get_tensor(each["index"]) for index, each in zip(graph.outputs, given, strict=True)}


def _leading_to(operators, outputs):
    """Those of a list of operators, in order, on which some tensors depend."""
    needed, kept = set(outputs), []
    for operator in reversed(operators):
        if needed.intersection(map(int, operator.outputs)):
            needed.update(map(int, operator.inputs))
            kept.append(operator)
    return kept[::-1]
