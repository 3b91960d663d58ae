"""What TFLite operators compute, in MACs, multiplications and functions. Needs no TensorFlow."""

import math

from asc_tf.complexity.account import Operations

# One product, square or division for each number that comes out.
PRODUCTS = {
    "MUL", "SQUARE", "SQUARED_DIFFERENCE", "DIV", "MEAN", "AVERAGE_POOL_2D", "LEAKY_RELU", "PRELU", "QUANTIZE",
    "DEQUANTIZE", "FLOOR_DIV", "FLOOR_MOD",
}  # fmt: skip
# One value of a function for each number that comes out.
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
    "ONE_HOT", "DENSIFY", "RESIZE_NEAREST_NEIGHBOR", "DYNAMIC_UPDATE_SLICE", "FAKE_QUANT",
}  # fmt: skip
# Where an operator with a kernel has it among its inputs, and its bias.
KERNEL = {
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 1,
    "FULLY_CONNECTED": 1,
    "TRANSPOSE_CONV": 1,
    "CONV_3D": 1,
    "BATCH_MATMUL": 1,
}
BIAS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3, "CONV_3D": 2}


def operator_operations(operator, stored):
    """`Operations` of one `tflite_graph.Operator`, or None if the account does not know it.

    An int8 operator rescales its results besides, one product for each number that comes out; that belongs to the type,
    not to the network, and is not counted. Nor is the bias, an addition.

    Args:
        operator: the operator.
        stored: function that says of a tensor whether it follows from stored numbers alone; what does is computed once.
    """
    if all(tensor is None or stored(tensor) for tensor in operator.inputs):
        return Operations()
    name, count = operator.name, operator.outputs[0].count
    if name in FREE:
        return Operations()
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
    if name in KERNEL:
        products = _products_with_kernel(operator, count)
        both = not any(stored(tensor) for tensor in operator.inputs[:2])
        return Operations(multiplications=products) if both else Operations(macs=products)
    return None


def _products_with_kernel(operator, count):
    kernel = operator.inputs[KERNEL[operator.name]]
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
    # BATCH_MATMUL: [..., rows, inner] by [..., inner, columns]; either may lie transposed, so go by the numbers it
    # needs.
    left, (rows, columns) = operator.inputs[0], operator.outputs[0].shape[-2:]
    return count * (math.prod(left.shape[-2:]) // rows) if rows and columns else 0
