"""Files of several graphs: streaming states, loops, branches, recurrent layers, open lengths and batches."""

import shutil

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema

from asc_tf.complexity.account import Operations
from asc_tf.complexity.account_report import account_dict, account_text
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.rules import verdicts
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.complexity.tflite_graph import Operator, Tensor
from asc_tf.complexity.tflite_operations import operator_operations
from asc_tf.errors import AscError
from asc_tf.quiet import native_stderr_hidden

layers = keras.layers


class Streaming(tf.Module):
    """A convolution over three frames that keeps the two before in a variable."""

    def __init__(self):
        self.past = tf.Variable(tf.zeros([1, 2, 8]), trainable=False)
        self.kernel = tf.Variable(tf.random.stateless_normal([3, 8, 4], (1, 2)))

    @tf.function(input_signature=[tf.TensorSpec([1, 1, 8])])
    def __call__(self, frame):
        window = tf.concat([self.past, frame], 1)
        self.past.assign(window[:, 1:])
        return tf.nn.conv1d(window, self.kernel, 1, "VALID")


class Branching(tf.Module):
    def __init__(self):
        self.a, self.b = (tf.Variable(tf.random.stateless_normal([4, 6], (1, seed))) for seed in (1, 2))

    @tf.function(input_signature=[tf.TensorSpec([1, 4])])
    def __call__(self, x):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: x @ self.a, lambda: (x @ self.b) @ tf.transpose(self.b) @ self.a)


class Looping(tf.Module):
    """Goes on until its numbers are large, or for some rounds of rounds."""

    def __init__(self, rounds=None):
        self.kernel, self.rounds = tf.Variable(tf.random.stateless_normal([4, 4], (1, 2))), rounds

    @tf.function(input_signature=[tf.TensorSpec([1, 4])])
    def __call__(self, x):
        def until_large(x):
            return tf.while_loop(lambda x: tf.reduce_sum(x) < 100.0, lambda x: (x @ self.kernel,), (x,))[0]

        def rounds(x, count, step, body):
            return tf.while_loop(lambda i, x: i < count, lambda i, x: (i + step, body(x)), (0, x))[1]

        if self.rounds is None:
            return until_large(x)
        return rounds(x, self.rounds, 3, lambda x: rounds(x, 2, 1, lambda x: x @ self.kernel))


def written(path, function, owner):
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], owner)
    converter.experimental_enable_resource_variables = True
    with native_stderr_hidden():
        path.write_bytes(converter.convert())
    return path


def of_module(path, module):
    return written(path / "module.tflite", module.__call__, module)


def of_layers(path, shape, *stack, batch=1):
    """A file of a Keras model with random weights, and the model."""
    inputs = x = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    model, generator = keras.Model(inputs, x, name="model"), np.random.default_rng(0)
    model.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in model.weights])
    function = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((batch, *shape))])
    owner = tf.Module()  # of the weights alone: to save all that Keras has takes ten times as long
    owner.weights = model.weights
    return written(path / "model.tflite", function, owner), model


@pytest.fixture(scope="module")
def rounds(tmp_path_factory):
    """A file of loops in loops. Do not change it: copy it."""
    return of_module(tmp_path_factory.mktemp("rounds"), Looping(rounds=10))


def counted(account, *kinds):
    return sum(tensor.count for tensor in account.parameters() if tensor.kind in kinds)


def test_a_streaming_file_is_accounted_for(tmp_path):
    account = tflite_account(of_module(tmp_path, Streaming()), seconds=0.02)
    assert account.operations() == Operations(macs=3 * 8 * 4)
    assert account.macs_per_second() == 50 * 96
    assert (counted(account, "kernel"), counted(account, "other")) == (96, 0)  # the state is no parameter
    assert [verdict.passes for verdict in verdicts(account)] == [True] * 5
    state, window = 4 * 16, 4 * 24
    assert account.peaks["network"].bytes == state + 32 + state + window  # it is there while a copy of it is read


def test_weights_that_only_the_first_run_assigns_are_parameters(tmp_path):
    path = of_module(tmp_path, Streaming())

    def never_assign(model):
        graph = model.subgraphs[0]
        graph.operators = [
            operator for operator in graph.operators if len(operator.outputs) or not len(operator.inputs)
        ]
        (initial,) = [tensor for tensor in model.subgraphs[1].tensors if model.buffers[tensor.buffer].data is not None]
        model.buffers[initial.buffer].data = np.ones(16, np.float32).view(np.uint8)

    edit(path, never_assign)
    account = tflite_account(path, seconds=0.02)
    assert counted(account, "other") == 16


def edit(path, change):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


@pytest.mark.parametrize("sequences", [False, True])
def test_a_gru_in_a_graph_of_its_own_counts_each_step(sequences, tmp_path):
    path, model = of_layers(tmp_path, (20, 4), layers.GRU(6, return_sequences=sequences), layers.Dense(3))
    account = tflite_account(path, seconds=1)
    steps, kernels = 20, 3 * 6 * (4 + 6)
    assert account.operations().macs == steps * kernels + (20 if sequences else 1) * 18
    assert account.operations().functions == steps * 3 * 6
    # All that Keras has, and the one of 1 - z.
    assert counted(account, "kernel", "bias", "other") == model.count_params() + 1
    assert account.unaccounted() == [] and 2022 in [verdict.year for verdict in verdicts(account) if verdict.passes]
    times = {layer.times for layer in account.layers}
    assert times == {1, 20, 21}
    assert "FULLY_CONNECTED x 20" in account_text(account)


def test_a_fused_lstm_agrees_with_its_cell_in_a_loop(tmp_path):
    path, model = of_layers(tmp_path, (20, 4), layers.LSTM(6))
    fused = tflite_account(path)
    looped = tflite_account(of_layers(tmp_path, (20, 4), layers.RNN(layers.LSTMCell(6)))[0])
    assert {layer.operation for layer in fused.layers} >= {"UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert fused.operations() == looped.operations()
    assert fused.operations() == Operations(macs=20 * 4 * 6 * 10, multiplications=20 * 3 * 6, functions=20 * 5 * 6)
    assert counted(fused, "kernel", "bias") == counted(looped, "kernel", "bias", "other") == model.count_params()


def test_loops_in_loops_multiply(rounds):
    account = tflite_account(rounds)
    assert account.operations().macs == 4 * 2 * 16  # 0, 3, 6, 9
    assert counted(account, "kernel") == 16


def test_of_a_loop_that_ends_by_its_data_nothing_is_claimed(tmp_path):
    account = tflite_account(of_module(tmp_path, Looping()), seconds=1)
    assert account.unaccounted()[0].startswith("FULLY_CONNECTED repeated an unknown number of times in ")
    assert counted(account, "kernel") == 16
    assert [verdict.passes for verdict in verdicts(account)] == [True, None, None, None, None]
    text = account_text(account)
    assert "DCASE 2022: unknown" in text and "MACs per 1 s: at least 0 of 30,000,000\n" in text
    assert account_dict(account)["rules"][1]["passes"] is None


def test_the_costlier_branch_counts(tmp_path):
    account = tflite_account(of_module(tmp_path, Branching()))
    assert account.operations().macs == 3 * 24
    assert counted(account, "kernel") == 3 * 24  # the transpose of b is stored as well
    assert any("two branches" in remark for remark in account.remarks)


def open_network():
    return layers.Conv1D(8, 3, padding="same"), layers.GlobalAveragePooling1D(), layers.Dense(10)


def test_an_open_length_is_unknown_until_it_is_given(tmp_path):
    path, model = of_layers(tmp_path, (None, 40), *open_network())
    account = tflite_account(path, seconds=1)
    assert "the input is [1, ?, 40]" in account.remarks[0] and account.peaks["network"].bytes is None
    assert [verdict.passes for verdict in verdicts(account)] == [True, None, None, None, None]
    assert account_dict(account)["layers"][1]["output_shape"] == [1, 1, None, 8]
    assert "peak of the features: unknown" in account_text(account)
    given = tflite_account(path, seconds=1, length=50)
    assert given.operations() == keras_account(model, 1, length=50).operations() == Operations(50 * 960 + 80, 8)
    assert [verdict.passes for verdict in verdicts(given)] == [True] * 5
    assert given.peaks["network"].bytes == 4 * 50 * (40 + 8)


def test_a_length_without_a_place_is_refused(tmp_path):
    path, model = of_layers(tmp_path, (50, 40), *open_network())
    with pytest.raises(AscError, match=r"takes \[1, 50, 40\] and leaves no length open; expected no --length 20"):
        tflite_account(path, length=20)
    with pytest.raises(AscError, match=r"model: its input has the shape \(None, 50, 40\); there is no other length"):
        keras_account(model, length=20)


def test_a_loop_over_an_open_length_runs_as_often_as_it_is_given(tmp_path):
    path, _ = of_layers(tmp_path, (None, 4), layers.GRU(6))
    assert tflite_account(path).unaccounted()
    assert tflite_account(path, length=20).operations().macs == 20 * 180


@pytest.mark.parametrize("batch", [8, None])
def test_a_batch_counts_as_one_clip(batch, tmp_path):
    stack = (layers.Conv1D(8, 3, padding="same"), layers.Reshape((25, 16)), layers.Flatten(), layers.Dense(10))
    path, model = of_layers(tmp_path, (50, 40), *stack, batch=batch)
    account, single = tflite_account(path), keras_account(model)
    assert account.operations() == single.operations() != Operations()
    assert account.peaks["network"].bytes == single.peaks["network"].bytes
    assert bool(account.remarks) == (batch == 8)


def test_segments_of_one_clip_are_no_batch(tmp_path):
    module = tf.Module()
    module.kernel = tf.Variable(tf.ones([40, 10]))
    function = tf.function(
        lambda x: tf.reduce_mean(x @ module.kernel, 0, keepdims=True), input_signature=[tf.TensorSpec((8, 40))]
    )
    account = tflite_account(written(tmp_path / "segments.tflite", function, module))
    assert account.operations().macs == 8 * 400 and account.remarks == ()


def test_a_graph_that_nothing_calls_is_counted_and_not_claimed(tmp_path):
    path, _ = of_layers(tmp_path, (50, 40), *open_network())

    def twice(model):
        model.subgraphs = [model.subgraphs[0], model.subgraphs[0]]

    before = tflite_account(path, seconds=1)
    edit(path, twice)
    after = tflite_account(path, seconds=1)
    assert counted(after, "kernel") == counted(before, "kernel")  # the same buffers
    assert after.operations() == before.operations() and verdicts(after)[1].passes is None


def test_graphs_that_call_themselves_are_refused(rounds, tmp_path):
    path = shutil.copy(rounds, tmp_path / "endless.tflite")

    def endless(model):
        for graph in model.subgraphs:
            for operator in graph.operators:
                if isinstance(operator.builtinOptions, schema.WhileOptionsT):
                    operator.builtinOptions.bodySubgraphIndex = 0

    edit(path, endless)
    with pytest.raises(AscError, match="is a damaged .tflite file"):
        tflite_account(path)


def test_damaged_files_of_several_graphs_give_an_account_or_a_sentence(rounds, tmp_path):
    path = shutil.copy(rounds, tmp_path / "damaged.tflite")
    whole, generator, refused = np.frombuffer(path.read_bytes(), np.uint8), np.random.default_rng(0), 0
    for _ in range(300):
        data = whole.copy()
        places = generator.integers(8, len(data), generator.integers(1, 20))
        data[places] = generator.integers(0, 256, len(places))
        path.write_bytes(data.tobytes())
        try:
            account_text(tflite_account(path))
        except AscError as error:
            assert str(path) in str(error)
            refused += 1
    assert 50 < refused < 300


def tensor(*shape, dtype="float32", buffer=None):
    return Tensor(0, "", shape, dtype, buffer)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "expected"),
    [
        # 4 nodes of rank 2 for an input of 16 and a memory of 10 steps.
        ("SVDF", [(1, 16), (8, 16), (8, 10), (4,), (1, 80)], (1, 4), Operations(8 * 16 + 8 * 10)),
        ("RNN", [(2, 16), (4, 16), (4, 4), (4,), (2, 4)], (2, 4), Operations(2 * 4 * 20, functions=8)),
        ("UNIDIRECTIONAL_SEQUENCE_RNN", [(1, 9, 16), (4, 16), (4, 4)], (1, 9, 4), Operations(9 * 80, functions=36)),
    ],
)
def test_operators_of_keyword_spotters(name, inputs, output, expected):
    taken = [tensor(*shape, buffer=None if index == 0 else index) for index, shape in enumerate(inputs)]
    operator = Operator(name, tuple(taken), (tensor(*output),))
    assert operator_operations(operator, lambda each: each.buffer is not None) == expected
