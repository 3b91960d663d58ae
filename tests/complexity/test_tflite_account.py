import dataclasses

import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.account import Account, Operations
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.rules import verdicts
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.complexity.tflite_frontend import network_operators
from asc_tf.complexity.tflite_graph import read_graphs
from asc_tf.errors import AscError
from asc_tf.runtime.metadata import read_metadata

layers = keras.layers


def count(account, *kinds, part="network"):
    return sum(tensor.count for tensor in account.parameters(part) if tensor.kind in kinds)


@pytest.fixture(scope="module")
def file_and_model(exported):
    path, joined = exported
    return tflite_account(path), keras_account(joined, seconds=1.0)


@pytest.fixture(scope="module")
def small(tflite):
    """Bytes of a small file with a skip connection."""
    inputs = keras.Input((8, 8, 1))
    a = layers.Conv2D(4, 1, name="a")(inputs)  # 1024 bytes
    b = layers.Conv2D(2, 1, name="b")(a)  # 512
    c = layers.Conv2D(8, 3, padding="same", name="c")(b)  # 2048
    d = layers.Conv2D(4, 1, name="d")(c)  # 1024
    return tflite(keras.Model(inputs, layers.Multiply(name="product")([a, d]), name="small"))


def test_a_float_file_agrees_with_its_keras_model_but_for_folding(file_and_model):
    file, model = file_and_model
    assert file.operations().macs == model.operations().macs > 0
    assert file.operations().functions == model.operations().functions
    kinds = ("BatchNormalization", "SubSpectralNormalization")
    folded = sum(layer.operations.multiplications for layer in model.layers if layer.operation in kinds)
    assert file.operations().multiplications == model.operations().multiplications - folded
    # The depthwise convolution before a sub-band normalization has a kernel and a bias for each of four sub-bands.
    banded = sum(3 * layer.output_shape[-1] for layer in model.layers if layer.name.endswith("_frequency"))
    assert count(model, "kernel") == 868 and count(file, "kernel") == 868 + 3 * banded
    # Of every batch normalization one vector of four is left: the offset, as a bias.
    batch_norms = [layer for layer in model.layers if layer.operation == "BatchNormalization"]
    offsets = sum(layer.output_shape[-1] for layer in batch_norms)
    # A convolution that no normalization follows gets a bias of zeros, stored once a length.
    zeros = {layer.output_shape[-1] for layer in model.layers if layer.name.endswith("_pointwise")}
    assert count(file, "bias") == offsets + 10 + 4 * banded // 3 + sum(zeros)
    assert file.unaccounted() == [] and model.unaccounted() == []


def test_the_frontend_in_a_file_is_told_apart(file_and_model):
    file, model = file_and_model
    assert file.parts() == model.parts() == ["network", "frontend"]
    assert file.operations("frontend") == model.operations("frontend")
    operations = {part: {layer.operation for layer in file.layers if layer.part == part} for part in file.parts()}
    assert {"RFFT2D", "LOG"} <= operations["frontend"] and "CONV_2D" not in operations["frontend"]
    assert {"CONV_2D", "RSQRT", "SOFTMAX"} <= operations["network"] and "RFFT2D" not in operations["network"]
    assert count(file, "kernel", part="frontend") > count(file, "kernel") > 0
    assert file.peaks["frontend"].bytes > file.peaks["network"].bytes > 0
    # The converter's names are blanked in our files.
    assert {file.peaks[part].layer for part in file.parts()} < {layer.name for layer in file.layers} - {""}


def test_a_file_of_ours_knows_its_seconds(exported, file_and_model):
    file, _ = file_and_model
    assert file.seconds == 1.0
    assert tflite_account(exported[0], seconds=0.5).macs_per_second() == 2 * file.macs_per_second()


def test_without_names_the_frontend_ends_at_the_first_map(exported):
    data = exported[0].read_bytes()
    graph, metadata = read_graphs(data)[0], read_metadata(data, "file")
    by_name = network_operators(graph, metadata)

    def nameless(tensor):
        return None if tensor is None else dataclasses.replace(tensor, name="")

    operators = [
        dataclasses.replace(
            operator, inputs=tuple(map(nameless, operator.inputs)), outputs=tuple(map(nameless, operator.outputs))
        )
        for operator in graph.operators
    ]
    stripped = dataclasses.replace(graph, operators=operators)
    for known in (metadata, None):
        by_shape = network_operators(stripped, known)
        # What lies between is at most a copy of the features.
        extra = [op.name for op, a, b in zip(operators, by_shape, by_name, strict=True) if a != b]
        assert set(extra) <= {"STRIDED_SLICE", "RESHAPE"}
        assert sum(by_name) <= sum(by_shape) < len(operators)
    other_bins = dataclasses.replace(metadata, frontend={"mel_bins": 63})
    assert all(network_operators(stripped, other_bins))


def test_the_challenge_s_baseline_in_int8_has_the_published_size(baseline, tflite):
    """Published of the 2022 baseline's file: 46,512 bytes of weights, 65,280 bytes of features at the second
    convolution,
    29,234,920 MACs of which 34,560 are comparisons of the poolings, less half of a dense layer."""
    model = baseline(51)
    file = tflite_account(tflite(model, int8=True), seconds=1.0)
    assert file.bytes_by_type() == {"int8": 45_816, "int32": 4 * 174}
    assert sum(file.bytes_by_type().values()) == 46_512
    assert file.peaks["network"].bytes == 65_280
    assert file.operations().macs + 34_560 - 3_200 == 29_234_920
    assert file.operations().macs == keras_account(model).operations().macs
    parameters, macs = verdicts(file)[1].checks
    assert (parameters.count, parameters.passes, macs.passes) == (45_990, True, True)
    assert verdicts(file)[1].remarks == ()
    assert count(file, "kernel") == 45_816 and count(file, "bias") == 174
    assert [layer.output_bytes for layer in file.layers if layer.operation == "RESHAPE"] == [0]
    assert file.parts() == ["network"]


def test_zeros_of_a_pruned_kernel_are_seen(tflite):
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, layers.Conv2D(4, 3, use_bias=False)(inputs), name="pruned")
    kernel = np.zeros(72, np.float32)
    kernel[:13] = np.linspace(1, 2, 13)
    model.set_weights([kernel.reshape(3, 3, 2, 4)])
    for int8 in (False, True):
        (found,) = [tensor for tensor in tflite_account(tflite(model, int8)).parameters() if tensor.kind == "kernel"]
        assert (found.count, found.nonzeros, found.dtype) == (72, 13, "int8" if int8 else "float32")


def test_weights_in_half_precision_count_in_half(tflite, tmp_path):
    import tensorflow as tf

    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, layers.Conv2D(4, 3)(inputs))
    model.set_weights([np.ones((3, 3, 2, 4)), np.ones(4)])
    function = tf.function(lambda x: model(x), input_signature=[tf.TensorSpec((1, 8, 8, 2))])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path = tmp_path / "half.tflite"
    path.write_bytes(converter.convert())
    account = tflite_account(path)
    assert [(tensor.kind, tensor.dtype, tensor.count) for tensor in account.parameters()] == [
        ("kernel", "float16", 72),
        ("bias", "float16", 4),
    ]
    assert [layer.operation for layer in account.layers] == ["CONV_2D"]
    assert account.operations() == Operations(macs=6 * 6 * 4 * 18)


def test_peak_of_a_small_graph_with_a_skip_connection(small):
    account = tflite_account(small)
    assert [layer.output_bytes for layer in account.layers] == [1024, 512, 2048, 1024, 1024]
    assert account.peaks["network"].bytes == 1024 + 2048 + 1024
    assert account.operations() == Operations(macs=64 * (4 + 8 + 2 * 9 * 8 + 32), multiplications=256)
    assert account.file_bytes == small.stat().st_size


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2DTranspose(5, 4, strides=2, padding="same"),
        layers.SeparableConv2D(5, 3, padding="same"),
        layers.DepthwiseConv2D((1, 3), padding="same", dilation_rate=(1, 2)),
        layers.Dense(5),
        layers.AveragePooling2D(2),
        layers.Activation("swish"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_both_ways_agree_on_single_layers(layer, tflite):
    inputs = keras.Input((8, 6, 4))
    model = keras.Model(inputs, layer(inputs), name="single")
    assert tflite_account(tflite(model)).operations() == keras_account(model).operations() != Operations()


def test_products_of_two_maps_are_multiplications(tflite):
    query = keras.Input((6, 4))
    model = keras.Model(query, layers.Dot(axes=(2, 2))([query, query]), name="attention")
    account = tflite_account(tflite(model))
    assert account.operations() == Operations(multiplications=6 * 6 * 4)


def edited(path, change):
    """The file's bytes after a change of its flatbuffer's objects."""
    import flatbuffers

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_an_unknown_operator_is_named_and_not_nought(small, tmp_path):
    def to_unknown(model):
        operator = model.subgraphs[0].operators[-1]
        model.operatorCodes[operator.opcodeIndex].builtinCode = schema.BuiltinOperator.SKIP_GRAM

    path = tmp_path / "unknown.tflite"
    path.write_bytes(edited(small, to_unknown))
    (unknown,) = tflite_account(path).unaccounted()
    assert unknown.startswith("SKIP_GRAM in ")


def test_int4_numbers_lie_two_in_a_byte(small, tmp_path):
    def to_int4(model):
        tensor = next(t for t in model.subgraphs[0].tensors if tuple(t.shape) == (8, 3, 3, 2))
        tensor.type = schema.TensorType.INT4
        model.buffers[tensor.buffer].data = np.array([0x10, 0x22, 0x00] + [0] * 69, np.uint8)

    path = tmp_path / "int4.tflite"
    path.write_bytes(edited(small, to_int4))
    # Whole numbers without a scale are indices to the account, so look at the graph itself.
    tensors = {t.index: t for op in read_graphs(path.read_bytes())[0].operators for t in op.inputs if t is not None}
    (kernel,) = [tensor for tensor in tensors.values() if tensor.dtype == "int4"]
    assert (kernel.count, kernel.bytes, kernel.nonzeros) == (144, 72, 3)


@pytest.mark.parametrize(("points", "nonzeros"), [([0], 4), ([1], 141), ([1] + [0] * 7, 15)])
def test_the_zero_of_a_quantized_tensor_is_its_zero_point(points, nonzeros, small, tmp_path):
    def quantize(model):
        tensor = next(t for t in model.subgraphs[0].tensors if tuple(t.shape) == (8, 3, 3, 2))
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.full(len(points), 0.1, np.float32)
        tensor.quantization.zeroPoint = np.array(points, np.int64)
        model.buffers[tensor.buffer].data = np.array([1, 1, 1, 5] + [0] * 140, np.uint8)

    path = tmp_path / "quantized.tflite"
    path.write_bytes(edited(small, quantize))
    (kernel,) = [tensor for tensor in tflite_account(path).parameters() if tensor.dtype == "int8"]
    # The first output channel holds 18 numbers: with a zero of 1 its three ones are zeros, and 15 others are none.
    assert (kernel.count, kernel.nonzeros, kernel.kind) == (144, nonzeros, "kernel")


def test_what_is_no_tflite_file_is_refused(tmp_path, small):
    with pytest.raises(AscError, match=r"none.tflite: cannot be read \(No such file or directory\)"):
        tflite_account(tmp_path / "none.tflite")
    with pytest.raises(AscError, match="cannot be read"):
        tflite_account(tmp_path)
    text = tmp_path / "notes.tflite"
    text.write_text("these are notes, and longer than a header")
    with pytest.raises(AscError, match="notes.tflite: is not a .tflite file"):
        tflite_account(text)
    text.write_bytes(b"")
    with pytest.raises(AscError, match="is not a .tflite file"):
        tflite_account(text)
    text.write_bytes(small.read_bytes()[:200])
    with pytest.raises(AscError, match="is a damaged .tflite file"):
        tflite_account(text)


def set_shape(model):
    model.subgraphs[0].tensors[0].shape = np.array([1, -8, 8, 1], np.int32)


def set_output(model):
    model.subgraphs[0].operators[0].outputs = np.array([-1], np.int32)


def set_input(model):
    model.subgraphs[0].operators[0].inputs = np.array([10_000], np.int32)


def set_code(model):
    model.operatorCodes[0].builtinCode = 30_000


def set_buffer(model):
    for tensor in model.subgraphs[0].tensors:
        tensor.shape = np.array([1_000, 1_000], np.int32)


def no_subgraph(model):
    model.subgraphs = []


@pytest.mark.parametrize("change", [set_shape, set_output, set_input, set_code, set_buffer, no_subgraph])
def test_files_that_contradict_themselves_are_refused(change, small, tmp_path):
    path = tmp_path / "hostile.tflite"
    path.write_bytes(edited(small, change))
    with pytest.raises(AscError, match="hostile.tflite: is a damaged .tflite file"):
        tflite_account(path)


def test_a_file_that_feeds_on_itself_ends(small, tmp_path):
    def loop(model):
        graph = model.subgraphs[0]
        stored = next(index for index, t in enumerate(graph.tensors) if model.buffers[t.buffer].data is not None)
        for operator in graph.operators:
            operator.inputs = np.array([stored, stored], np.int32)
            operator.outputs = np.array([stored], np.int32)
        graph.operators = graph.operators * 40

    path = tmp_path / "loop.tflite"
    path.write_bytes(edited(small, loop))
    assert tflite_account(path).layers == ()


def test_damaged_bytes_give_an_account_or_a_sentence(small, tmp_path):
    generator = np.random.default_rng(0)
    whole = np.frombuffer(small.read_bytes(), np.uint8)
    path, refused = tmp_path / "damaged.tflite", 0
    for attempt in range(300):
        data = whole.copy()
        places = generator.integers(8, len(data), generator.integers(1, 20))
        data[places] = generator.integers(0, 256, len(places))
        path.write_bytes(data.tobytes()[: None if attempt % 2 else generator.integers(len(data))])
        try:
            assert isinstance(tflite_account(path), Account)
        except AscError as error:
            assert str(path) in str(error)
            refused += 1
    assert 100 < refused < 300  # neither all nor none
