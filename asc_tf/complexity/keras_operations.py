"""Operations that TensorFlow operations compute: MACs, multiplications and functions."""

import math

import tensorflow as tf

from asc_tf.complexity.account import Operations

# One product, square or division for each output number.
PRODUCTS = {
    "Mul", "MulNoNan", "Square", "SquaredDifference", "RealDiv", "Div", "DivNoNan", "Xdivy", "Reciprocal", "Inv",
    "Mean", "AvgPool", "AvgPool3D", "LeakyRelu", "FloorDiv", "FloorMod", "Mod",
}  # fmt: skip
# One value of a function for each output number.
FUNCTIONS = {
    "Exp", "Expm1", "Log", "Log1p", "Sqrt", "Rsqrt", "Pow", "Sigmoid", "Tanh", "Erf", "Erfc", "Elu", "Selu", "Softplus",
    "Softsign", "Sin", "Cos", "Atan", "Atan2", "Sinh", "Cosh",
}  # fmt: skip
# No product: copies, additions, comparisons.
FREE = {
    "AddV2", "Add", "AddN", "Sub", "Neg", "Abs", "Sign", "Sum", "Max", "Min", "Maximum", "Minimum", "MaxPool",
    "MaxPoolV2", "MaxPool3D", "Relu", "Relu6", "BiasAdd", "Cumsum", "Identity", "IdentityN", "StopGradient",
    "PreventGradient", "Snapshot", "Reshape", "Squeeze", "ExpandDims", "Transpose", "ConcatV2", "Pack", "Unpack",
    "Split", "SplitV", "Slice", "StridedSlice", "Pad", "PadV2", "MirrorPad", "Tile", "BroadcastTo", "GatherV2",
    "GatherNd", "DepthToSpace", "SpaceToDepth", "SpaceToBatchND", "BatchToSpaceND", "ReverseV2", "Roll", "Cast",
    "Select", "SelectV2", "ClipByValue", "Floor", "Ceil", "Round", "Rint", "Real", "Imag", "Complex", "Conj",
    "ZerosLike", "OnesLike", "Fill", "ResizeNearestNeighbor", "TensorListStack", "TopKV2", "ReadVariableOp", "Const",
    "Placeholder", "NoOp", "CheckNumerics",
    # Quantization-aware training's rounding; integer kernels need no such step.
    "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel", "FakeQuantWithMinMaxArgs",
}  # fmt: skip


def operations_of(calls, inputs):
    """Operations of each call of a traced model.

    An operation counts if it depends on data and an output depends on it. Results that depend on stored numbers alone,
    such as gamma / sqrt(variance + epsilon) of a normalization, are computed once when the model is loaded, and count
    nothing.

    Args:
        calls: list of `keras_trace.Call`.
        inputs: symbolic inputs of the model.

    Returns:
        A list, one item per call, of (`Operations`, tuple of the unknown operations).
    """
    live = {tensor.op.name for tensor in inputs}
    result = []
    for call in calls:
        for operation in call.operations:
            if any(tensor.op.name in live for tensor in operation.inputs):
                live.add(operation.name)
        needed = _needed(call)
        total, unknown = Operations(), []
        for operation in call.operations:
            if operation.name in live and operation.name in needed:
                counted = _count(operation, live)
                total, unknown = (total, [*unknown, operation.type]) if counted is None else (total + counted, unknown)
        result.append((total, tuple(dict.fromkeys(unknown))))
    return result


def _needed(call):
    """Names of the operations that the call's outputs come from."""
    own = {operation.name for operation in call.operations}
    needed, waiting = set(), [tensor.op for tensor in call.outputs]
    while waiting:
        operation = waiting.pop()
        if operation.name in own and operation.name not in needed:
            needed.add(operation.name)
            waiting.extend(tensor.op for tensor in operation.inputs)
    return needed


def _count(operation, live):
    """`Operations` of one `tf.Operation`; None if the operation or its size is unknown."""
    if not any(output.dtype.is_floating or output.dtype.is_complex for output in operation.outputs):
        return Operations()  # arithmetic of shapes and indices
    if operation.type in FREE:
        return Operations()
    try:
        return _arithmetic(operation, live)
    except TypeError:  # an axis of length None
        return None


def _arithmetic(operation, live):
    kind, count = operation.type, _numbers(operation.outputs[0])
    if kind == "Mul" and any(_is_always(tensor, 1) for tensor in operation.inputs):
        return Operations()  # swish multiplies by a beta of one
    if kind in PRODUCTS or (kind == "Pow" and _is_always(operation.inputs[1], 2)):
        return Operations(multiplications=count)
    if kind in FUNCTIONS:
        return Operations(functions=count)
    if kind in ("Softmax", "LogSoftmax"):
        return Operations(multiplications=count, functions=count)
    if kind == "ComplexAbs":
        return Operations(multiplications=2 * count, functions=count)
    if kind.startswith("FusedBatchNorm"):
        # With statistics of the batch, as in Keras's layer normalization: one product for the scale, one for the
        # square.
        return Operations(multiplications=2 * count if operation.get_attr("is_training") else count)
    if kind == "ResizeBilinear":
        return Operations(multiplications=3 * count)
    if kind in ("RFFT", "RFFT2D"):
        # N log2 N real products for a real transform of N points, half of a complex radix-2 transform's 2 N log2 N.
        points = 2 * (operation.outputs[0].shape[-1] - 1)
        return Operations(multiplications=count // (points // 2 + 1) * round(points * math.log2(points)))
    products = _products_with_kernel(operation, count)
    if products is None:
        return None
    both = kind != "Conv2DBackpropInput" and sum(tensor.op.name in live for tensor in operation.inputs[:2]) == 2
    return Operations(multiplications=products) if both else Operations(macs=products)


def _products_with_kernel(operation, count):
    """Products of a convolution or a matrix product; None for another operation."""
    kind = operation.type
    if kind in ("Conv2D", "Conv3D"):
        return _in_batches(operation, count) * math.prod(operation.inputs[1].shape[:-1])
    if kind == "DepthwiseConv2dNative":
        return _in_batches(operation, count) * math.prod(operation.inputs[1].shape[:2])
    if kind == "Conv2DBackpropInput":  # transposed: each input number meets the whole kernel of its channel
        return _numbers(operation.inputs[2]) * math.prod(operation.inputs[1].shape[:-1])
    if kind == "MatMul":
        return count * operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
    if kind in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        return count * operation.inputs[0].shape[-2 if operation.get_attr("adj_x") else -1]
    if kind == "Einsum" and len(operation.inputs) == 2:
        return _einsum(operation)
    return None


def _einsum(operation):
    equation = operation.get_attr("equation").decode()
    if "." in equation:
        return None
    lengths = {}
    for indices, tensor in zip(equation.split("->")[0].split(","), operation.inputs, strict=True):
        lengths.update(zip(indices, tensor.shape, strict=True))
    return math.prod(lengths.values())


def _in_batches(operation, count):
    """Numbers in the output of a convolution, even if TensorFlow dilates it by spreading the input over the batch."""
    consumers = operation.outputs[0].consumers()
    if len(consumers) == 1 and consumers[0].type == "BatchToSpaceND":
        return _numbers(consumers[0].outputs[0])
    return count


def _is_always(tensor, value):
    constant = tf.get_static_value(tensor)
    return constant is not None and bool((constant == value).all())


def _numbers(tensor):
    """Number of elements of a tensor; TypeError if unknown."""
    if tensor.shape.rank is None:
        raise TypeError("unknown rank")
    return math.prod(tensor.shape)
