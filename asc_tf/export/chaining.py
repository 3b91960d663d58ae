"""Joining .tflite files: the output of one is the input of the next. Needs no TensorFlow."""

from ai_edge_litert import schema_py_generated as schema

from asc_tf.runtime.sharing_builder import packed


def chained(files, output):
    """One .tflite file's bytes from those of several, each with one input, one output and one subgraph.

    So a float frontend can precede an 8-bit network; TensorFlow's converter quantizes all of a model or nothing.

    Args:
        files: {name of its input: bytes}, in order.
        output: name of the last file's output.

    Raises:
        ValueError: an output and the next input differ in shape or type.
    """
    models = [schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0)) for file in files.values()]
    for name, model in zip(files, models, strict=True):
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].name = name
    for model in models[1:]:
        _append(models[0], model)
    graph = models[0].subgraphs[0]
    graph.tensors[graph.outputs[0]].name = output
    return packed(models[0])


def _append(first, second):
    graph, following = first.subgraphs[0], second.subgraphs[0]
    (joint,), (taken,) = graph.outputs, following.inputs
    given, wanted = graph.tensors[joint], following.tensors[taken]
    found, expected = ((tensor.type, *map(int, tensor.shape)) for tensor in (given, wanted))
    if found != expected:
        raise ValueError(f"an output of type and shape {found} goes into the input {expected} of the next file")
    tensors, buffers, codes = len(graph.tensors), len(first.buffers), len(first.operatorCodes)

    def places(indices):
        return [-1 if index < 0 else int(joint) if index == taken else int(index) + tensors for index in indices]

    for tensor in following.tensors:
        tensor.buffer += buffers
    for operator in following.operators:
        operator.opcodeIndex += codes
        operator.inputs, operator.outputs = places(operator.inputs), places(operator.outputs)
    given.name = wanted.name
    first.buffers += second.buffers
    first.operatorCodes += second.operatorCodes
    graph.tensors += following.tensors
    graph.operators += following.operators
    graph.outputs = places(following.outputs)
