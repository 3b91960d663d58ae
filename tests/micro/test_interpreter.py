"""The network in TensorFlow Lite for Microcontrollers' own interpreter (PyPI: tflite-micro)."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from asc_tf.micro.arena import estimated_arena, measured_arena, micro_interpreter, run
from asc_tf.micro.network import network_of
from asc_tf.runtime.classifier import Classifier


@pytest.fixture(scope="module")
def content(model_file):
    pytest.importorskip("tflite_micro")
    return model_file.read_bytes()


def test_the_arena_is_measured_and_the_estimate_predicts_it(content, model_file):
    network = network_of(content, model_file)
    measured, estimated = measured_arena(network.content), estimated_arena(network)
    assert measured.measured and not estimated.measured
    assert measured.maps > 100_000 and measured.records > 10_000
    assert estimated.maps == pytest.approx(measured.maps, abs=64)
    assert estimated.records == pytest.approx(measured.records, rel=0.1)


def test_the_interpreter_computes_what_litert_s_reference_kernels_do(content):
    """To the bit; LiteRT's fast kernels round otherwise, and its own kinds of kernels differ by as much."""
    reference = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    reference.allocate_tensors()
    (taken,), (given,) = reference.get_input_details(), reference.get_output_details()
    interpreter, generator = micro_interpreter(content), np.random.default_rng(0)
    for level in (-60, 0):
        features = np.clip(generator.normal(level, 30, taken["shape"]), -128, 127).astype(np.int8)
        reference.set_tensor(taken["index"], features)
        reference.invoke()
        assert np.array_equal(run(interpreter, features), reference.get_tensor(given["index"])[0])


def test_from_int16_samples_to_scenes_as_predict(content, model_file, probe):
    """Samples through the C frontend into the interpreter for microcontrollers, against `Classifier`."""
    classifier, interpreter = Classifier(model_file), micro_interpreter(content)
    generator = np.random.default_rng(0)
    time = np.arange(classifier.samples) / 16000
    sounds = [
        0.1 * generator.standard_normal(len(time)) * (1 + np.sin(time * speed)) + 0.1 * np.sin(2 * np.pi * tone * time)
        for speed, tone in ((0.5, 200), (3, 440), (20, 1000), (90, 3000))
    ]
    samples = np.rint(32767 * np.clip(sounds, -1, 1)).astype(np.int16)
    windows = probe(ASC_STEP_FRAMES=0)("windows", 480, given=samples)
    features = np.frombuffer(windows, np.int8).reshape(len(sounds), -1)[:, 1:].reshape(-1, 1, 256, 101, 1)
    for sound, feature in zip(samples, features, strict=True):
        expected = classifier.window_probabilities(sound.astype(np.float32) / 32768)
        assert np.abs(run(interpreter, feature) - expected).max() < 0.05
