"""Operations that TFLite operators compute: MACs, multiplications and functions. Needs no TensorFlow."""

import math

from asc_tf.complexity.account import Operations

# One product, square or division for each output number.
PRODUCTS = {
    "MUL", "SQUARE", "SQUARED_DIFFERENCE", "DIV", "MEAN", "AVERAGE_POOL_2D", "LEAKY_RELU", "PRELU", "QUANTIZE",
    "DEQUANTIZE", "FLOOR_DIV", "FLOOR_MOD", "REDUCE_PROD",
}  # fmt: skip
# One value of a function for each output number.
FUNCTIONS = {"EXP", "LOG", "SQRT", "RSQRT", "POW", "LOGISTIC", "TANH", "ELU", "GELU", "SIN", "COS", "ATAN2"}
# No product: copies, additions, comparisons.
FREE = {
    "ADD", "ADD_N", "SUB", "NEG", "ABS", "SIGN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "MAXIMUM", "MINIMUM", "MAX_POOL_2D",
    "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "CUMSUM", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE",
    "CONCATENATION", "PACK", "UNPACK", "SPLIT", "SPLIT_V", "SLICE", "STRIDED_SLICE", "PAD", "PADV2", "MIRROR_PAD",
    "TILE", "BROADCAST_TO", "BROADCAST_ARGS", "GATHER", "GATHER_ND", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH",
    "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "REVERSE_V2", "CAST", "SELECT", "SELECT_V2", "WHERE", "FLOOR", "CEIL",
    "ROUND", "REAL", "IMAG", "ZEROS_LIKE", "FILL", "SHAPE", "RANK", "RANGE", "ARG_MAX", "ARG_MIN", "TOPK_V2", "EQUAL",
    "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT",
    "ONE_HOT", "DENSIFY", "RESIZE_NEAREST_NEIGHBOR", "DYNAMIC_UPDATE_SLICE", "FAKE_QUANT", "REDUCE_ALL", "REDUCE_ANY",
    "REVERSE_SEQUENCE", "EMBEDDING_LOOKUP", "SCATTER_ND", "UNIQUE", "WHILE", "IF", "READ_VARIABLE", "ASSIGN_VARIABLE",
}  # fmt: skip
_OTHERS = {"SOFTMAX", "LOG_SOFTMAX", "HARD_SWISH", "L2_NORMALIZATION", "COMPLEX_ABS", "RESIZE_BILINEAR", "RFFT2D"}
NUMBERS = ("float", "bfloat", "complex")
# Positions of the kernel and the bias among an operator's inputs.
KERNELS = {
    "CONV_2D": (1,),
    "DEPTHWISE_CONV_2D": (1,),
    "FULLY_CONNECTED": (1,),
    "TRANSPOSE_CONV": (1,),
    "CONV_3D": (1,),
    "BATCH_MATMUL": (1,),
    "SVDF": (1, 2),
    "RNN": (1, 2),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (1, 2),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (1, 2, 3, 4, 5, 6, 7, 8, 16),  # to four gates, back to them, and a projection
}
BIASES = {
    "CONV_2D": (2,),
    "DEPTHWISE_CONV_2D": (2,),
    "FULLY_CONNECTED": (2,),
    "TRANSPOSE_CONV": (3,),
    "CONV_3D": (2,),
    "SVDF": (3,),
    "RNN": (3,),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (3,),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (12, 13, 14, 15, 17),
}


def operator_operations(operator, stored):
    """`Operations` of one `tflite_graph.Operator`, or None if the account does not know it.

    An int8 operator also rescales its results, one product for each output number; that belongs to the type, not to the
    network, and is not counted. Biases (additions) and work on shapes and indices are not counted either.

    Args:
        operator: the operator.
        stored: function that tells whether a tensor follows from stored numbers alone; such tensors are computed once.

    Raises:
        TypeError: the operator is known, but a length that it depends on is not.
    """
    if all(tensor is None or stored(tensor) for tensor in operator.inputs) or operator.name in FREE:
        return Operations()
    if not any(tensor.quantized or tensor.dtype.startswith(NUMBERS) for tensor in operator.outputs):
        return Operations() if operator.name in PRODUCTS else None
    return _arithmetic(operator, stored)


def _arithmetic(operator, stored):
    name, count = operator.name, operator.outputs[0].count
    known = name in PRODUCTS | FUNCTIONS | _OTHERS or name in KERNELS
    if count is None and known:
        raise TypeError("a length that is not known")
    if name in PRODUCTS:
        return Operations(multiplications=count)
    if name in FUNCTIONS:
        return Operations(functions=count)
    if name in ("SOFTMAX", "LOG_SOFTMAX"):
        return Operations(multiplications=count, functions=count)
    if name == "HARD_SWISH":
        return Operations(multiplications=2 * count)
    if name == "L2_NORMALIZATION":
        return Operations(multiplications=2 * count, functions=1)
    if name == "COMPLEX_ABS":
        return Operations(multiplications=2 * count, functions=count)
    if name == "RESIZE_BILINEAR":
        return Operations(multiplications=3 * count)
    if name == "RFFT2D":
        # N log2 N real products for a real transform of N points, half of a complex radix-2 transform's 2 N log2 N.
        points = 2 * (operator.outputs[0].shape[-1] - 1)
        return Operations(multiplications=count // (points // 2 + 1) * round(points * math.log2(points)))
    if name == "SVDF":
        return _svdf(operator)
    if name in ("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM"):
        return _recurrent(operator)
    if name in KERNELS:
        products = _products_with_kernel(operator, count)
        both = not any(stored(tensor) for tensor in operator.inputs[:2])
        return Operations(multiplications=products) if both else Operations(macs=products)
    return None


def _products_with_kernel(operator, count):
    kernel = operator.inputs[KERNELS[operator.name][0]]
    if operator.name == "CONV_2D":  # [out, height, width, in], in of one group
        return count * math.prod(kernel.shape[1:])
    if operator.name == "CONV_3D":  # [depth, height, width, in, out]
        return count * math.prod(kernel.shape[:-1])
    if operator.name == "DEPTHWISE_CONV_2D":  # [1, height, width, out]
        return count * math.prod(kernel.shape[1:3])
    if operator.name == "TRANSPOSE_CONV":  # [out, height, width, in]; each input number meets the kernel of its channel
        return operator.inputs[2].count * math.prod(kernel.shape[:-1])
    if operator.name == "FULLY_CONNECTED":  # [out, in]
        return count * kernel.shape[-1]
    # BATCH_MATMUL: [..., rows, inner] by [..., inner, columns]; either may be transposed, so use the element counts.
    left, (rows, columns) = operator.inputs[0], operator.outputs[0].shape[-2:]
    return count * (math.prod(left.shape[-2:]) // rows) if rows and columns else 0


def _svdf(operator):
    """Each filter [filters, inputs] meets the input, then its memory [filters, steps]."""
    times = math.prod(operator.inputs[0].shape[:-1])
    return Operations(macs=times * sum(operator.inputs[position].count for position in KERNELS["SVDF"]))


def _recurrent(operator):
    """Each kernel meets its input at each step. An LSTM cell has three products, one function per gate and one more."""
    steps, units = math.prod(operator.inputs[0].shape[:-1]), operator.inputs[2].shape[0]
    kernels = [operator.inputs[position] for position in KERNELS[operator.name] if position < len(operator.inputs)]
    macs = steps * sum(kernel.count for kernel in kernels if kernel is not None)
    if operator.name.endswith("RNN"):
        return Operations(macs=macs, functions=steps * units)
    gates = sum(gate is not None for gate in operator.inputs[1:5])
    peepholes = sum(weights.count for weights in operator.inputs[9:12] if weights is not None)
    return Operations(macs, multiplications=steps * (3 * units + peepholes), functions=steps * units * (gates + 1))
