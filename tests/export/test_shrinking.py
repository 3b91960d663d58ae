import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from small_networks import features_for, unsettled

from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.export.chaining import chained
from asc_tf.export.conversion import converted
from asc_tf.export.deployment import deployment_graph
from asc_tf.export.shrinking import shrunk
from asc_tf.models import bc_resnet_asc
from asc_tf.runtime.sharing_builder import SharingBuilder, packed


@pytest.fixture(scope="module")
def network():
    return unsettled(bc_resnet_asc((32, 34, 1), 4, 4, depth=(1, 1, 1, 1), feature_mean=1.0, feature_std=2.0))


@pytest.fixture(scope="module", params=["float", "int8"])
def content(request, network):
    """A file as the converter makes it."""
    shape, calibration = network.input_shape[1:], features_for(network, 4)
    return converted(deployment_graph(network, space_to_depth=True), shape, request.param, calibration)


def run(content, example, resolver=OpResolverType.AUTO):
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[np.newaxis])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def model_in(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def convolutions(content):
    """(kernel, bias) tensors of a file."""
    model = model_in(content)
    (graph,) = model.subgraphs
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    wanted = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)
    chosen = [operator for operator in graph.operators if kinds[operator.opcodeIndex] in wanted]
    return [tuple(graph.tensors[index] for index in operator.inputs[1:3]) for operator in chosen]


def test_a_shrunk_file_is_half_as_large_and_gives_every_bit_as_before(content, network):
    small = shrunk(content)
    assert len(small) < 0.5 * len(content)
    for example in features_for(network, 3, seed=5):
        expected = run(content, example)
        assert np.ptp(expected) > 0.1
        np.testing.assert_array_equal(run(small, example), expected)
    assert shrunk(small) == small


@pytest.mark.parametrize("resolver", ["BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF"])
def test_the_kernels_of_devices_without_xnnpack_give_every_bit_as_before_too(content, network, resolver):
    resolver = OpResolverType[resolver]
    example = features_for(network, 1, seed=6)[0]
    np.testing.assert_array_equal(run(shrunk(content), example, resolver), run(content, example, resolver))


def test_kernels_keep_their_scales_and_biases_of_as_many_channels_share_those_of_one_kernel(content):
    before, after = convolutions(content), convolutions(shrunk(content))
    assert len(before) == len(after) > 10
    if before[0][0].quantization.scale is None:
        assert all(tensor.quantization is None for pair in after for tensor in pair)
        return
    for (old, _), (kernel, bias) in zip(before, after, strict=True):
        np.testing.assert_array_equal(kernel.quantization.scale, old.quantization.scale)
        assert len(bias.quantization.scale) == len(bias.quantization.zeroPoint) == bias.shape[0]
    assert {tuple(bias.quantization.scale) for _, bias in after} <= {tuple(k.quantization.scale) for k, _ in before}
    assert len({tuple(bias.quantization.scale) for _, bias in after}) == len({bias.shape[0] for _, bias in after})


def test_the_account_of_a_shrunk_file_is_that_of_the_converters(content, tmp_path):
    accounts = []
    for name, file in (("before", content), ("after", shrunk(content))):
        (tmp_path / name).write_bytes(file)
        accounts.append(tflite_account(tmp_path / name, seconds=1))
    before, after = accounts
    assert after.operations() == before.operations() and before.operations().macs > 0
    assert after.bytes_by_type() == before.bytes_by_type()
    assert after.peaks["network"].bytes == before.peaks["network"].bytes > 0


def test_slices_say_how_large_they_are_as_xnnpack_asks(content):
    model = model_in(content)
    (graph,) = model.subgraphs
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    slices = [o for o in graph.operators if kinds[o.opcodeIndex] == schema.BuiltinOperator.SLICE]
    sizes = [model.buffers[graph.tensors[operator.inputs[2]].buffer].data.view(np.int32) for operator in slices]
    assert len(sizes) == 4 * 4 + 1 and np.min(sizes) > 0  # of four blocks and the stem


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


def test_a_vector_may_stand_inside_another_but_bytes_only_where_they_are_aligned():
    builder = SharingBuilder(16)
    pair = builder.CreateNumpyVector(np.array([1, 7], np.int32))
    assert builder.CreateNumpyVector(np.array([7], np.int32)) == pair - 4
    assert builder.CreateNumpyVector(np.array([8], np.int32)) > pair
    # Lengths and numbers in little endian: 8 bytes, of which the data would begin at a multiple of 4 alone.
    builder.CreateNumpyVector(np.array([8, 5, 6, 9], np.int32))
    data = builder.CreateNumpyVector(np.array([5, 6], np.int32).view(np.uint8))
    assert (data - 4) % 16 == 0
    assert builder.CreateNumpyVector(np.array([5, 6], np.int32).view(np.uint8)) == data


def test_short_vectors_go_into_the_gaps_between_buffers(content):
    model = model_in(shrunk(content))
    plain = SharingBuilder(1024)
    plain.Finish(model.Pack(plain), b"TFL3")
    filled = packed(model)
    assert len(filled) < len(plain.Output()) - 100
    read = model_in(filled).subgraphs[0]
    for expected, found in zip(model.subgraphs[0].operators, read.operators, strict=True):
        assert list(found.inputs) == list(expected.inputs) and list(found.outputs) == list(expected.outputs)


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
