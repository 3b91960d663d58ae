"""Values of a .tflite file's intermediate tensors. Needs no TensorFlow."""

import copy

import flatbuffers
import numpy as np

from asc_tf.runtime.classifier import to_quantized
from asc_tf.runtime.interpreter import loaded


def values_of(model, tensors, features):
    """Run a file clip by clip and yield, for each clip, the stored numbers of some tensors: {index: array}.

    The tensors become outputs of a copy of the file, so that no runtime reuses their memory. The copy has only what
    leads to them, since packing the rest takes longer than running it.

    Args:
        model: `schema.ModelT` of one subgraph; it is not changed.
        tensors: indices of tensors that operators of the graph write.
        features: [clips, ...], each clip as the file takes it, in real numbers.
    """
    tensors = [int(index) for index in tensors]
    interpreter = loaded(_copy_up_to(model, tensors))
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()
    for clip in features:
        interpreter.set_tensor(taken["index"], to_quantized(np.asarray(clip)[np.newaxis], taken))
        interpreter.invoke()
        yield {index: interpreter.get_tensor(each["index"]) for index, each in zip(tensors, given, strict=True)}


def _copy_up_to(model, outputs):
    """Bytes of the part of a model on which some tensors depend; these are its outputs."""
    graph = model.subgraphs[0]
    operators = _leading_to(graph.operators, outputs)
    used = {int(i) for each in operators for i in (*each.inputs, *each.outputs) if i >= 0}
    place = {index: new for new, index in enumerate(sorted({*used, *outputs, *map(int, graph.inputs)}))} | {-1: -1}
    tensors = [_bare(graph.tensors[index]) for index in place if index >= 0]
    buffers = {0: 0} | {buffer: new for new, buffer in enumerate(sorted({t.buffer for t in tensors} - {0}), start=1)}
    for tensor in tensors:
        tensor.buffer = buffers[tensor.buffer]
    part, part_graph = copy.copy(model), copy.copy(graph)
    part.subgraphs, part.signatureDefs, part.metadata = [part_graph], None, None
    part.buffers = [model.buffers[buffer] for buffer in buffers]
    part_graph.tensors, part_graph.operators = tensors, [_moved(each, place) for each in operators]
    part_graph.inputs = [place[int(index)] for index in graph.inputs]
    part_graph.outputs = [place[index] for index in outputs]
    builder = flatbuffers.Builder(1024)
    builder.Finish(part.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _leading_to(operators, outputs):
    """Those of a list of operators, in order, on which some tensors depend."""
    needed, kept = set(outputs), []
    for operator in reversed(operators):
        if needed.intersection(map(int, operator.outputs)):
            needed.update(map(int, operator.inputs))
            kept.append(operator)
    return kept[::-1]


def _bare(tensor):
    """A copy of a tensor without what no runtime reads."""
    bare = copy.copy(tensor)
    bare.name = bare.shapeSignature = None
    if tensor.quantization is not None:
        bare.quantization = copy.copy(tensor.quantization)
        bare.quantization.min = bare.quantization.max = None
    return bare


def _moved(operator, place):
    moved = copy.copy(operator)
    moved.inputs = [place[int(index)] for index in operator.inputs]
    moved.outputs = [place[int(index)] for index in operator.outputs]
    return moved
