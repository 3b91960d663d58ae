"""Latency: files take turns, and ratios are of one round each."""

import functools

import numpy as np
import pytest

from asc_tf.runtime.latency import in_turns, latencies, latency_ratio, onnx_inference


def test_files_take_turns():
    turns = []

    found = in_turns({name: functools.partial(turns.append, name.upper()) for name in "ab"}, rounds=3, runs=2)
    assert "".join(turns) == "AABBAABBAABB"
    assert {name: len(times) for name, times in found.items()} == {"a": 3, "b": 3}


def test_a_ratio_stands_a_load_that_comes_and_goes():
    assert latency_ratio([1.0, 40.0, 2.0], [2.0, 80.0, 4.0]) == 0.5
    assert latency_ratio([1.0, 40.0, 2.0], [2.0, 4.0, 4.0]) == 0.5


def test_a_file_of_ours_is_timed(smallest_file):
    ((one, other),) = latencies({"file": smallest_file.read_bytes()}, rounds=2, runs=1).values()
    assert 0 < one < 10_000 and 0 < other < 10_000


def test_an_onnx_file_is_timed():
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    shape = [1, 8, 5, 1]
    taken, given = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "negated", [taken], [given])
    opset = [onnx.helper.make_opsetid("", 17)]
    content = onnx.helper.make_model(graph, ir_version=8, opset_imports=opset).SerializeToString()
    (answer,) = onnx_inference(content)()
    assert answer.shape == (1, 8, 5, 1) and np.ptp(answer) > 1
