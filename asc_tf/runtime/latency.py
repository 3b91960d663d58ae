"""Latency of exported files, in turns, so that ratios hold even on a busy machine. Needs no TensorFlow."""

import statistics
import time

import numpy as np

from asc_tf.runtime.interpreter import loaded


def latencies(contents, rounds, runs):
    """Milliseconds of one inference of each .tflite file on one thread; see `in_turns`.

    Args:
        contents: {name: bytes of a .tflite file of one input}.
        rounds, runs: of `in_turns`.
    """
    return in_turns({name: tflite_inference(content) for name, content in contents.items()}, rounds, runs)


def in_turns(inferences, rounds, runs):
    """Milliseconds of functions that take turns.

    Args:
        inferences: {name: function () that runs one inference}.
        rounds: every function has its turn in each round, so that a longer load on the machine affects all of them.
        runs: calls of a function per turn.

    Returns:
        {name: list of each round's median of the runs}.
    """
    found = {name: [] for name in inferences}
    for _ in range(rounds):
        for name, infer in inferences.items():
            found[name].append(median_milliseconds(infer, runs))
    return found


def latency_ratio(one, other):
    """Median over the rounds of the ratio of two files' latencies, of `latencies`."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def tflite_inference(content):
    """Function () that runs one inference of a .tflite file's bytes in LiteRT, on one thread, after a first one.

    The input is noise, which costs as much as sound.
    """
    interpreter = loaded(content)
    (taken,) = interpreter.get_input_details()
    noise = _noise(taken["shape"])
    noise = noise * 40 if taken["dtype"] == np.int8 else noise
    interpreter.set_tensor(taken["index"], noise.clip(-128, 127).astype(taken["dtype"]))
    interpreter.invoke()
    return interpreter.invoke


def onnx_inference(content):
    """As `tflite_inference`, of an ONNX file's bytes in onnxruntime.

    Raises:
        ImportError: onnxruntime is not installed.
        Exception: of any class, as onnxruntime raises for files that it cannot load.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what cannot be loaded is said by the exception
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    given = {taken.name: _noise(taken.shape).astype(np.float32)}
    session.run(None, given)
    return lambda: session.run(None, given)


def median_milliseconds(infer, runs):
    """Median over this many calls of a function."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        infer()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def _noise(shape):
    return np.random.default_rng(0).normal(0, 1, shape)
