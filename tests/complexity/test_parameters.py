import pytest

from asc_tf.complexity.parameters import Parameters, bytes_by_type, with_types
from asc_tf.errors import AscError


def tensors():
    return [Parameters("k", "kernel", "float32", 10, 7), Parameters("b", "bias", "float32", 3, 3)]


@pytest.mark.parametrize(
    ("dtype", "all_bytes", "nonzero_bytes"),
    [("float64", 40, 24), ("float32", 20, 12), ("float16", 10, 6), ("int8", 5, 3), ("int4", 3, 2)],
)
def test_bytes_are_numbers_times_the_width_of_their_type(dtype, all_bytes, nonzero_bytes):
    tensor = Parameters("k", "kernel", dtype, 5, 3)
    assert (tensor.bytes, tensor.nonzero_bytes) == (all_bytes, nonzero_bytes)


def test_a_type_can_be_fixed_for_each_kind():
    mixed = with_types(tensors(), {"kernel": "int8", "rest": "float16"})
    assert bytes_by_type(mixed) == {"int8": 10, "float16": 6}
    assert bytes_by_type(with_types(tensors(), {"bias": "float16"})) == {"float32": 40, "float16": 6}


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"kernels": "int8"}, "'kernels' is no kind of parameters; did you mean 'kernel'"),
        ({"kernel": "flaot16"}, "'flaot16' is no data type .of the parameters 'kernel'.; did you mean 'float16'"),
    ],
)
def test_unknown_kinds_and_types_are_refused(types, message):
    with pytest.raises(AscError, match=message):
        with_types(tensors(), types)
