"""Latency of .tflite files in LiteRT, in turns, so that ratios hold even on a busy machine. Needs no TensorFlow."""

import statistics
import time

import numpy as np

from asc_tf.runtime.interpreter import loaded


def latencies(contents, rounds, runs):
    """Milliseconds of one inference of each file on one thread.

    Args:
        contents: {name: bytes of a .tflite file of one input}. Each file gets one input of noise, which costs as much
            as sound.
        rounds: every file has its turn in each round, so that a longer load on the machine affects all files.
        runs: inferences of a file per turn.

    Returns:
        {name: list of each round's median of the runs}.
    """
    interpreters = {name: _ready(content) for name, content in contents.items()}
    found = {name: [] for name in contents}
    for _ in range(rounds):
        for name, interpreter in interpreters.items():
            found[name].append(median_milliseconds(interpreter, runs))
    return found


def latency_ratio(one, other):
    """Median over the rounds of the ratio of two files' latencies, of `latencies`."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def _ready(content):
    interpreter = loaded(content)
    (taken,) = interpreter.get_input_details()
    noise = np.random.default_rng(0).normal(0, 1, taken["shape"])
    noise = noise * 40 if taken["dtype"] == np.int8 else noise
    interpreter.set_tensor(taken["index"], noise.clip(-128, 127).astype(taken["dtype"]))
    interpreter.invoke()
    return interpreter


def median_milliseconds(interpreter, runs):
    """Median over this many inferences of an interpreter whose input is set."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        interpreter.invoke()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
