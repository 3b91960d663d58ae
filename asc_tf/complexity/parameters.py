"""The stored numbers of a network, as the rules count them. Needs no TensorFlow."""

import dataclasses
from collections import Counter
from dataclasses import dataclass

from asc_tf.errors import AscError, nearest

BITS = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "complex128": 128,
    "complex64": 64,
    "int64": 64,
    "uint64": 64,
    "int32": 32,
    "uint32": 32,
    "int16": 16,
    "uint16": 16,
    "int8": 8,
    "uint8": 8,
    "bool": 8,
    "int4": 4,
}
KINDS = ("kernel", "bias", "norm", "statistic", "other")
REST = "rest"


@dataclass(frozen=True)
class Parameters:
    """One tensor of parameters.

    Args:
        name: of the tensor.
        kind: "kernel" of a convolution or a dense layer; "bias"; "norm", gamma and beta of a normalization;
            "statistic", its moving mean and variance; "other".
        dtype: stored type, a key of BITS.
        count: number of elements, zeros included.
        nonzeros: number of elements that are not zero.
        trainable: whether training changes it.
    """

    name: str
    kind: str
    dtype: str
    count: int
    nonzeros: int
    trainable: bool = False

    @property
    def bytes(self):
        """Bytes of all elements at the width of their type."""
        return width(self.count, self.dtype)

    @property
    def nonzero_bytes(self):
        """Bytes of the nonzero elements at the width of their type; their positions are not counted."""
        return width(self.nonzeros, self.dtype)


def width(count, dtype):
    """Bytes of so many numbers of a type, rounded up to a whole byte."""
    return -(-count * BITS[dtype] // 8)


def with_types(parameters, types):
    """The same parameters stored in other types, for an account that fixes the type of each kind.

    Args:
        parameters: an iterable of `Parameters`.
        types: {kind: type}, such as {"kernel": "int8", "rest": "float16"}; "rest" stands for the kinds not named.
            Without "rest", those kinds keep their types.

    Raises:
        AscError: a kind or a type that does not exist.
    """
    for kind, dtype in types.items():
        if kind not in (*KINDS, REST):
            raise AscError(f"'{kind}' is no kind of parameters; {nearest(kind, (*KINDS, REST))}")
        if dtype not in BITS:
            raise AscError(f"'{dtype}' is no data type (of the parameters '{kind}'); {nearest(dtype, BITS)}")
    rest = types.get(REST)
    return [dataclasses.replace(p, dtype=types.get(p.kind, rest or p.dtype)) for p in parameters]


def bytes_by_type(parameters):
    """{type: bytes} of all parameters, zeros included."""
    totals = Counter()
    for tensor in parameters:
        totals[tensor.dtype] += tensor.bytes
    return dict(totals)
