"""Smaller .tflite files with the same operators and numbers. Needs no TensorFlow."""

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.operators import BIAS, KERNEL, has_bias, kind_of
from asc_tf.runtime.sharing_builder import packed

KEPT_NAMES = (b"features",)  # end of the frontend: `compression.tflite_frontend` looks for it
_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def shrunk(model_bytes):
    """Remove from a .tflite file's bytes what no runtime reads and all duplicates; outputs keep every bit.

    Dropped: names of tensors except inputs, outputs and KEPT_NAMES, names of subgraphs and signatures, the converter's
    description and metadata, empty quantization records, ranges left from calibration, the mark that a tensor with a
    shape has a rank, operators' codes that their old field repeats, options that are all defaults, and unused buffers.
    A reshape's target moves into its options. Equal buffers and equal constants are merged; `SharingBuilder` shares the
    rest.

    The bias scales of 8-bit convolutions are no longer the true ones: LiteRT requires one per channel but reads none,
    since they follow from those of input and kernel. All biases of the same number of channels share the scales of one
    kernel.
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
    """Give all biases of as many channels one record; for one channel LiteRT checks the scale, for old files."""
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
    """Merge equal constants, since operators slice and pad by the same numbers, and drop unused tensors.

    Feature maps come first: their numbers, which every operator names, stand in other vectors then.
    """
    owners = (subgraph, *subgraph.operators)
    used = {int(index) for owner in owners for index in (*owner.inputs, *owner.outputs)} - {-1}
    keys = {index: _constant_key(model, subgraph.tensors[index], index) for index in used}
    first = {key: index for index, key in sorted(keys.items(), reverse=True)}
    order = sorted(first, key=lambda key: (_is_constant(model, subgraph.tensors[first[key]]), first[key]))
    numbers = {key: number for number, key in enumerate(order)}
    place = {index: numbers[key] for index, key in keys.items()} | {-1: -1}  # an omitted input
    subgraph.tensors = [subgraph.tensors[first[key]] for key in order]
    for owner in owners:
        owner.inputs = [place[int(index)] for index in owner.inputs]
        owner.outputs = [place[int(index)] for index in owner.outputs]


def _constant_key(model, tensor, index):
    """Key that is equal for tensors that can be merged."""
    if not _is_constant(model, tensor):
        return (index,)
    quantization = tensor.quantization
    scales = () if quantization is None else (*quantization.scale, *quantization.zeroPoint)
    return (tensor.buffer, tensor.type, tuple(tensor.shape), scales, quantization and quantization.quantizedDimension)


def _is_constant(model, tensor):
    return bool(tensor.buffer) and model.buffers[tensor.buffer].data is not None


def _merge_buffers(model):
    """Merge buffers with equal content; the first stays the empty one, as the format requires."""
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
    """Give the most frequent kind of operator the number 0, which takes no space."""
    uses = Counter(operator.opcodeIndex for subgraph in model.subgraphs for operator in subgraph.operators)
    order = [index for index, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))]
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            operator.opcodeIndex = order.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in order]
    for code in model.operatorCodes:
        if code.deprecatedBuiltinCode == code.builtinCode:
            code.builtinCode = 0
