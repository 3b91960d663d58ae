"""Smaller .tflite files of the same operators and numbers. Needs no TensorFlow."""

from ai_edge_litert import schema_py_generated as schema

from asc_tf.runtime.sharing_builder import packed

KEPT_NAMES = (b"features",)  # where the frontend ends: `compression.tflite_frontend` goes by it


def shrunk(model_bytes):
    """A .tflite file's bytes without what no runtime reads, and with nothing in it twice; outputs keep every bit.

    Dropped: names of tensors but inputs, outputs and KEPT_NAMES, of subgraphs and of signatures, the converter's
    description and metadata, quantization records that say nothing, ranges that calibration left, buffers that nothing
    refers to. Equal buffers and equal constants become one; `SharingBuilder` shares what is left.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    _merge_buffers(model)
    for subgraph in model.subgraphs:
        subgraph.name = None
        ends = {*subgraph.inputs, *subgraph.outputs}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in ends and tensor.name not in KEPT_NAMES:
                tensor.name = None
            tensor.shapeSignature = None
            tensor.quantization = _needed(tensor.quantization)
        _merge_constants(model, subgraph)
    return packed(model)


def _needed(quantization):
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return None
    quantization.min = quantization.max = None
    return quantization


def _merge_constants(model, subgraph):
    """Leave one tensor for each constant, as operators slice and pad by the same numbers, and none that is not used."""
    owners = (subgraph, *subgraph.operators)
    used = {int(index) for owner in owners for index in (*owner.inputs, *owner.outputs)}
    numbers, kept, place = {}, [], {}
    for index, tensor in enumerate(subgraph.tensors):
        if index not in used:
            continue
        is_constant = tensor.buffer and model.buffers[tensor.buffer].data is not None
        key = (tensor.buffer, tensor.type, *tensor.shape) if is_constant and tensor.quantization is None else index
        if key not in numbers:
            numbers[key] = len(kept)
            kept.append(tensor)
        place[index] = numbers[key]
    place[-1] = -1  # an input that is left out
    subgraph.tensors = kept
    for owner in owners:
        owner.inputs = [place[int(index)] for index in owner.inputs]
        owner.outputs = [place[int(index)] for index in owner.outputs]


def _merge_buffers(model):
    """Leave one buffer for each content; the first stays the empty one, as the format asks."""
    numbers, buffers = {b"": 0}, [model.buffers[0]]
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            data = model.buffers[tensor.buffer].data
            content = b"" if data is None else bytes(bytearray(data))
            if content not in numbers:
                numbers[content] = len(buffers)
                buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = numbers[content]
    model.buffers = buffers
