"""Smaller .tflite files of the same operators and numbers. Needs no TensorFlow."""

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from asc_tf.runtime.sharing_builder import packed

KEPT_NAMES = (b"features",)  # where the frontend ends: `compression.tflite_frontend` goes by it
_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)
_BIAS = 2  # its place among a convolution's inputs


def shrunk(model_bytes):
    """A .tflite file's bytes without what no runtime reads, and with nothing in it twice; outputs keep every bit.

    Dropped: names of tensors but inputs, outputs and KEPT_NAMES, of subgraphs and of signatures, the converter's
    description and metadata, quantization records that say nothing, ranges that calibration left, the mark that a
    tensor with a shape has a rank, options that are all defaults, buffers that nothing refers to. Equal buffers and
    equal constants become one; `SharingBuilder` shares what is left.

    Scales of 8-bit convolutions' biases become 1. They follow from the scales of input and kernel, so that runtimes
    read the latter only; LiteRT wants to find some, one a channel. Who reads biases out of a file has to multiply.
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
            tensor.hasRank = tensor.hasRank and not len(tensor.shape)
            tensor.quantization = _needed(tensor.quantization)
        _drop_default_options(subgraph)
        _drop_bias_scales(model, subgraph)
        _merge_constants(model, subgraph)
    _number_by_use(model)
    return packed(model)


def _needed(quantization):
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return None
    quantization.min = quantization.max = None
    return quantization


def _drop_default_options(subgraph):
    """Drop options of sums and products without an activation, and those that have no fields."""
    for operator in subgraph.operators:
        options = operator.builtinOptions
        without_activation = isinstance(options, (schema.AddOptionsT, schema.SubOptionsT, schema.MulOptionsT)) and (
            options.fusedActivationFunction == schema.ActivationFunctionType.NONE
        )
        if options is not None and (without_activation or not vars(options)):
            operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def _drop_bias_scales(model, subgraph):
    for operator in subgraph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode not in _CONVOLUTIONS or len(operator.inputs) <= _BIAS:
            continue
        quantization = subgraph.tensors[operator.inputs[_BIAS]].quantization
        # Of a single channel LiteRT checks the scale, for the sake of old files.
        if quantization is not None and len(quantization.scale) > 1:
            quantization.scale = [1.0] * len(quantization.scale)


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


def _number_by_use(model):
    """Give the kind of operator that is used most the number 0, which takes no room."""
    uses = Counter(operator.opcodeIndex for subgraph in model.subgraphs for operator in subgraph.operators)
    order = [index for index, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))]
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            operator.opcodeIndex = order.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in order]
