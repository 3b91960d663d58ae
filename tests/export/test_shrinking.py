import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from small_networks import NETWORKS, features_for, unsettled

from asc_tf.export.chaining import chained
from asc_tf.export.conversion import converted
from asc_tf.export.deployment import deployment_graph
from asc_tf.export.shrinking import shrunk
from asc_tf.runtime.sharing_builder import SharingBuilder


@pytest.fixture(scope="module")
def network():
    return unsettled(NETWORKS["asc"]())


@pytest.fixture(scope="module", params=["float", "int8"])
def content(request, network):
    """A file as the converter makes it."""
    shape, calibration = network.input_shape[1:], features_for(network, 4)
    return converted(deployment_graph(network, space_to_depth=True), shape, request.param, calibration)


def run(content, example):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[np.newaxis])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def test_a_shrunk_file_is_smaller_by_a_third_and_gives_every_bit_as_before(content, network):
    small = shrunk(content)
    assert len(small) < 0.67 * len(content)
    for example in features_for(network, 3, seed=5):
        expected = run(content, example)
        assert np.ptp(expected) > 0.1
        np.testing.assert_array_equal(run(small, example), expected)
    assert shrunk(small) == small


def test_weights_stay_aligned_as_the_format_asks(content):
    small = shrunk(content)
    model = schema.Model.GetRootAs(small, 0)
    whole = np.frombuffer(small, np.uint8)
    buffers = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    starts = [data.ctypes.data - whole.ctypes.data for data in buffers if isinstance(data, np.ndarray) and data.size]
    assert len(starts) > 20 and all(start % 16 == 0 for start in starts)


def test_a_chain_of_two_files_computes_one_after_the_other(content, network):
    (classes,) = network.output_shape[1:]
    both = shrunk(chained({"features": content, "logits": converted(tf.nn.softmax, (classes,))}, "probabilities"))
    example = features_for(network, 1)[0]
    expected = tf.nn.softmax(run(content, example)).numpy()
    np.testing.assert_allclose(run(both, example), expected, atol=1e-6)
    with pytest.raises(ValueError, match="an output of type and shape .* goes into the input .* of the next file"):
        chained({"features": content, "logits": converted(tf.nn.softmax, (classes + 1,))}, "probabilities")


def test_equal_vectors_are_written_once_and_equal_bytes_of_another_alignment_are_not_taken_for_them():
    builder = SharingBuilder(16)  # grows on the way
    numbers = [builder.CreateNumpyVector(np.arange(9, dtype=np.int64)) for _ in range(3)]
    as_bytes = builder.CreateNumpyVector(np.arange(9, dtype=np.int64).view(np.uint8))
    texts = [builder.CreateString("text") for _ in range(2)]
    assert numbers[0] == numbers[1] == numbers[2] != as_bytes and texts[0] != texts[1]


def test_tables_are_shared_only_where_all_their_fields_are_equal():
    builder = SharingBuilder(16)
    tables = []
    for zero_point in (0, 0, 5, 0, 5):
        quantization = schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = [0.5], [zero_point]
        tables.append(quantization.Pack(builder))
    assert tables[0] == tables[1] == tables[3] and tables[2] == tables[4] != tables[0]
    builder.Finish(tables[4])
    last = schema.QuantizationParameters.GetRootAs(builder.Output(), 0)
    assert (last.Scale(0), last.ZeroPoint(0)) == (0.5, 5)
    assert isinstance(builder, flatbuffers.Builder)
