"""Files that are not what they say they are: refused with one sentence, never a crash."""

import random
import re

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.runtime import Classifier
from asc_tf.runtime import isolated_run as trial
from asc_tf.runtime.metadata import with_metadata


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tflite"


@pytest.fixture
def older(file):
    """The file as older versions wrote it, without a checksum: nothing but LiteRT finds damage in the network."""
    content = file.read_bytes()
    start = content.index(b', "checksum": "')
    return content[:start] + b" " * 80 + content[start + 80 :]


def refusal(path):
    with pytest.raises(AscError) as caught:
        Classifier(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def rebuilt(file, classifier, change):
    """The file with its graph changed, and with a checksum that is right."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.read_bytes(), 0))
    change(model, model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return with_metadata(bytes(builder.Output()), classifier.metadata)


def no_subgraphs(model, graph):
    model.subgraphs = []


def no_outputs(model, graph):
    graph.outputs = []


def two_outputs(model, graph):
    graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]


def another_output(model, graph):
    graph.outputs = [graph.operators[0].outputs[0]]


def two_inputs(model, graph):
    graph.inputs = [*graph.inputs, graph.inputs[0]]


def a_tensor_that_is_not_there(model, graph):
    graph.operators[1].inputs = [9999, *list(graph.operators[1].inputs)[1:]]


def a_custom_operator(model, graph):
    code = model.operatorCodes[graph.operators[0].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM, schema.BuiltinOperator.CUSTOM
    code.customCode = b"Mystery"


def whole_numbers(model, graph):
    graph.tensors[graph.outputs[0]].type = schema.TensorType.INT32


KINDS = [
    (no_subgraphs, "LiteRT cannot load it|takes and gives"),
    (no_outputs, "takes and gives .* but its metadata says"),
    (two_outputs, "takes and gives .* but its metadata says"),
    (another_output, "takes and gives .* but its metadata says"),
    (two_inputs, "takes and gives .* but its metadata says"),
    (a_tensor_that_is_not_there, "LiteRT cannot load it"),
    (a_custom_operator, "LiteRT cannot load it .*Mystery"),
    (whole_numbers, "int32.*; expected float32 or quantized integers"),
]


@pytest.mark.parametrize(("change", "message"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_network_of_another_kind_is_refused(file, classifier, path, change, message):
    path.write_bytes(rebuilt(file, classifier, change))
    assert re.search(message, refusal(path))


@pytest.mark.parametrize("length", [0, 3, 8, 9, 100, 4096, 30000])
def test_random_bytes_are_refused_with_and_without_the_magic(path, length):
    content = random.Random(length).randbytes(length)
    for disguised in (content, content[:4] + b"TFL3" + content[8:]):
        path.write_bytes(disguised)
        assert "tflite file" in refusal(path)


def test_a_damaged_file_is_refused_before_litert_sees_it(file, path, monkeypatch):
    monkeypatch.setattr("ai_edge_litert.interpreter.Interpreter", lambda **arguments: pytest.fail("LiteRT was called"))
    generator, content = random.Random(0), file.read_bytes()
    for _ in range(200):
        damaged = bytearray(content)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        refusal(path)


def test_an_older_file_is_used(older, classifier, path):
    path.write_bytes(older)
    window = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    found = Classifier(path).window_probabilities(window)
    np.testing.assert_array_equal(found, classifier.window_probabilities(window))


def test_a_damaged_older_file_is_refused_or_gives_an_answer(older, path):
    generator = random.Random(3)
    for _ in range(10):
        damaged = bytearray(older)
        for _ in range(8):
            damaged[generator.randrange(len(older) - 12000, len(older))] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            Classifier(path)
        except AscError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.abort()", "LiteRT crashes, status -6"),
        ("raise RuntimeError('no such tensor')", "RuntimeError: no such tensor"),
        ("import time; time.sleep(60)", "LiteRT takes more than 1 s"),
    ],
)
def test_an_older_file_that_takes_litert_down_is_refused(older, path, monkeypatch, capsys, code, message):
    monkeypatch.setattr(trial, "_RUN", code)
    monkeypatch.setattr(trial, "TRIAL_SECONDS", 1)
    path.write_bytes(older)
    assert message in refusal(path)
    assert main(["predict", str(path), "clip.wav"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
