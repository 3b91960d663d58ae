"""Smaller .tflite files of the same operators and numbers. Needs no TensorFlow."""

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import BIAS, KERNEL, has_bias, kind_of
from asc_tf.runtime.sharing_builder import packed

KEPT_NAMES = (b"features",)  # where the frontend ends: `compression.tflite_frontend` goes by it
_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def shrunk(model_bytes):
    """A .tflite file's bytes without what no runtime reads, and with nothing in it twice; outputs keep every bit.

    Dropped: names of tensors but inputs, outputs and KEPT_NAMES, of subgraphs and of signatures, the converter's
    description and metadata, quantization records that say nothing, ranges that calibration left, the mark that a
    tensor with a shape has a rank, operators' codes where their old field has them, options that are all defaults,
    buffers that nothing refers to. A reshape's target moves into its options. Equal buffers and equal constants become
    one; `SharingBuilder` shares what is left.

    Scales of 8-bit convolutions' biases are not the true ones any more: LiteRT wants to find one a channel and reads
    none, as they follow from those of input and kernel. All biases of as many channels share those of one kernel.
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
        for operator in subgraph.operators:
            _simplify_options(operator, subgraph)
        _share_bias_scales(model, subgraph)
        _merge_constants(model, subgraph)
    _merge_buffers(model)
    _number_by_use(model)
    return packed(model)


def _needed(quantization):
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return None
    quantization.min = quantization.max = None
    return quantization


def _simplify_options(operator, subgraph):
    """Drop options of sums and products without an activation and those that have no fields; set those of a reshape."""
    options = operator.builtinOptions
    shape = subgraph.tensors[operator.outputs[0]].shape
    if isinstance(options, schema.ReshapeOptionsT) and shape is not None and len(shape):
        options.newShape, operator.inputs = shape, operator.inputs[:1]
    without_activation = isinstance(options, (schema.AddOptionsT, schema.SubOptionsT, schema.MulOptionsT)) and (
        options.fusedActivationFunction == schema.ActivationFunctionType.NONE
    )
    if options is not None and (without_activation or not vars(options)):
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def _share_bias_scales(model, subgraph):
    """Give all biases of as many channels one record; of a single channel LiteRT checks the scale, for old files."""
    records = {}
    for operator in subgraph.operators:
        if kind_of(model, operator) not in _CONVOLUTIONS or not has_bias(operator):
            continue
        kernel, bias = (subgraph.tensors[index] for index in operator.inputs[KERNEL : BIAS + 1])
        if bias.quantization is None or len(bias.quantization.scale) < 2:
            continue
        channels = len(bias.quantization.scale)
        if channels not in records:
            bias.quantization.scale = kernel.quantization.scale
            records[channels] = bias.quantization
        bias.quantization = records[channels]


def _merge_constants(model, subgraph):
    """Leave one tensor for each constant, as operators slice and pad by the same numbers, and none that is not used.

    Feature maps come first: their numbers, which every operator names, stand in other vectors then.
    """
    owners = (subgraph, *subgraph.operators)
    used = {int(index) for owner in owners for index in (*owner.inputs, *owner.outputs)} - {-1}
    keys = {index: _constant_key(model, subgraph.tensors[index], index) for index in used}
    first = {key: index for index, key in sorted(keys.items(), reverse=True)}
    order = sorted(first, key=lambda key: (_is_constant(model, subgraph.tensors[first[key]]), first[key]))
    numbers = {key: number for number, key in enumerate(order)}
    place = {index: numbers[key] for index, key in keys.items()} | {-1: -1}  # an input that is left out
    subgraph.tensors = [subgraph.tensors[first[key]] for key in order]
    for owner in owners:
        owner.inputs = [place[int(index)] for index in owner.inputs]
        owner.outputs = [place[int(index)] for index in owner.outputs]


def _constant_key(model, tensor, index):
    """What is equal for tensors that can become one."""
    if not _is_constant(model, tensor):
        return (index,)
    quantization = tensor.quantization
    scales = () if quantization is None else (*quantization.scale, *quantization.zeroPoint)
    return (tensor.buffer, tensor.type, tuple(tensor.shape), scales, quantization and quantization.quantizedDimension)


def _is_constant(model, tensor):
    return bool(tensor.buffer) and model.buffers[tensor.buffer].data is not None


def _merge_buffers(model):
    """Leave one buffer for each content that a tensor has; the first stays the empty one, as the format asks."""
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
    for code in model.operatorCodes:
        if code.deprecatedBuiltinCode == code.builtinCode:
            code.builtinCode = 0
