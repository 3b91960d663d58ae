"""Latency: files take turns, and ratios are of one round each."""

from asc_tf.runtime import latency
from asc_tf.runtime.latency import latencies, latency_ratio


def test_files_take_turns(monkeypatch):
    turns = []

    class Interpreter:
        def __init__(self, name):
            self.name = name

        def invoke(self):
            turns.append(self.name)

    monkeypatch.setattr(latency, "_ready", Interpreter)
    found = latencies({"a": "A", "b": "B"}, rounds=3, runs=2)
    assert "".join(turns) == "AABBAABBAABB"
    assert {name: len(times) for name, times in found.items()} == {"a": 3, "b": 3}


def test_a_ratio_stands_a_load_that_comes_and_goes():
    assert latency_ratio([1.0, 40.0, 2.0], [2.0, 80.0, 4.0]) == 0.5
    assert latency_ratio([1.0, 40.0, 2.0], [2.0, 4.0, 4.0]) == 0.5


def test_a_file_of_ours_is_timed(smallest_file):
    ((one, other),) = latencies({"file": smallest_file.read_bytes()}, rounds=2, runs=1).values()
    assert 0 < one < 10_000 and 0 < other < 10_000
