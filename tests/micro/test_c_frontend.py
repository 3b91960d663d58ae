"""The frontend in C against the training frontend, in floating point and in fixed point."""

import numpy as np
import pytest

from asc_tf.audio.levels import is_silent
from asc_tf.audio.waveform import load_waveform
from asc_tf.frontend.log_mel import LogMel
from asc_tf.runtime.answer import SILENCE, UNCERTAIN
from asc_tf.runtime.classifier import Classifier, to_quantized
from asc_tf.runtime.stream import SceneStream

SAMPLES, BINS, FRAMES = 48_000, 256, 101
FOLLOWING = {"ASC_STEP_FRAMES": 0}
AUDIBLE_DB = 70  # below the loudest bin of a frame: there the training frontend, in single precision, rounds itself


def as_int16(waveform):
    return np.clip(np.rint(32768 * waveform), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def sounds():
    """int16 [sound, samples]: loud and soft noise, a sweep, full-scale square wave, one step, a click, silence."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES)
    noise = generator.standard_normal(SAMPLES)
    sweep = np.sin(np.pi * 0.45 * time**2 / SAMPLES)
    made = [
        0.2 * noise,
        1e-4 * noise,
        sweep,
        np.sign(np.sin(0.03 * time)),
        (time > 9999) / 32768,
        time == 7000,
        0 * time,
    ]
    return np.stack([as_int16(np.asarray(each, float)) for each in made])


@pytest.fixture(scope="module")
def expected(sounds):
    """Features of the training frontend, [sound, frequency, time]."""
    return LogMel()(sounds.astype(np.float32) / 32768).numpy()[..., 0]


def audible(features):
    decibels = 10 / np.log(10) * features
    return decibels > decibels.max(axis=-2, keepdims=True) - AUDIBLE_DB


def frames_of(output, dtype=np.float32):
    return np.frombuffer(output, dtype).reshape(-1, BINS).T


def test_float_features_agree_with_the_training_frontend_to_1e_3(probe, sounds, expected):
    found = np.stack([frames_of(probe()("frames", 9999, given=sound)) for sound in sounds])
    assert found.shape == expected.shape
    difference = np.abs(found - expected)
    assert difference[audible(expected)].max() < 1e-3
    assert difference.max() < 0.05


def test_fixed_point_features_agree_within_one_step(probe, sounds, expected, model_file):
    quantization = Classifier(model_file).metadata.quantization
    end = {"dtype": np.int8, "quantization": (quantization["scale"], quantization["zero_point"])}
    steps = to_quantized(expected, end).astype(int)
    for macros in ({}, {"ASC_FIXED_POINT": 1}, {"ASC_FIXED_POINT": 1, "ASC_SHORT_PRODUCTS": 1}):
        program = probe(**macros, **FOLLOWING)
        windows = np.frombuffer(program("windows", 4096, given=sounds), np.int8).reshape(len(sounds), -1)
        found = windows[:, 1:].reshape(-1, BINS, FRAMES).astype(int)
        assert np.abs(found - steps).max() <= 1
        assert np.ptp(found) > 100


@pytest.mark.parametrize("step", [0, pytest.param(33, marks=pytest.mark.slow)])
def test_pieces_of_any_size_give_the_same_windows(probe, sounds, step):
    program = probe(ASC_FIXED_POINT=1, ASC_STEP_FRAMES=step)
    stream = sounds[:4].ravel()
    one, *others = (program("windows", longest, given=stream) for longest in (1, 7, 480, 50_000))
    assert len(one) == (4 if step == 0 else 1 + (399 - FRAMES) // 33) * (1 + BINS * FRAMES)
    assert all(other == one for other in others)


@pytest.mark.slow
def test_overlapping_windows_hold_the_frames_of_the_whole_stream(probe, sounds, model_file):
    stream = sounds[:3].ravel()
    output = probe(ASC_STEP_FRAMES=33)("windows", 1000, given=stream)
    windows = np.frombuffer(output, np.int8).reshape(-1, 1 + BINS * FRAMES)[:, 1:].reshape(-1, BINS, FRAMES)
    quantization = Classifier(model_file).metadata.quantization
    end = {"dtype": np.int8, "quantization": (quantization["scale"], quantization["zero_point"])}
    whole = to_quantized(LogMel()(stream[np.newaxis].astype(np.float32) / 32768).numpy()[0, :, :, 0], end)
    for number, window in enumerate(windows):
        part = whole[:, 33 * number : 33 * number + FRAMES]
        assert np.abs(window.astype(int) - part).max() <= 1


def test_silence_is_what_listen_calls_silence(probe):
    generator = np.random.default_rng(1)
    barely = generator.integers(-2, 3, SAMPLES)  # deviation of 1.41 steps; the limit is 1.04
    quiet = generator.integers(-1, 2, SAMPLES)  # of 0.82
    stream = np.stack([barely, quiet, np.full(SAMPLES, -32768), 500 + quiet, 500 + barely]).astype(np.int16)
    output = probe(**FOLLOWING)("windows", 100, given=stream)
    found = np.frombuffer(output, np.int8).reshape(len(stream), -1)[:, 0]
    assert found.tolist() == [is_silent(each.astype(np.float32) / 32768) for each in stream] == [0, 1, 1, 1, 0]


class Remembered:
    """In place of a `Classifier`: answers with probabilities that it was given."""

    sample_rate_hz, samples = 1000, 1000

    def __init__(self, labels, uncertain_below, rows):
        self.labels, self.uncertain_below, self._rows = labels, uncertain_below, iter(rows)

    def window_probabilities(self, window):
        return next(self._rows)


def test_answers_are_smoothed_as_by_listen(probe, model_file):
    classifier = Classifier(model_file)
    generator = np.random.default_rng(0)
    rows = generator.dirichlet(np.full(10, 0.2), 60).astype(np.float32)
    silent = generator.random(len(rows)) < 0.2
    heard = Remembered(classifier.labels, classifier.uncertain_below, rows[~silent])
    stream = SceneStream(heard)
    windows = np.where(silent, 0, 0.1)[:, np.newaxis] * generator.standard_normal((len(rows), 1000))
    expected = stream.push(windows.astype(np.float32).ravel())
    given = np.where(silent[:, np.newaxis], -1, rows).astype(np.float32)
    found = np.frombuffer(probe()("answers", 1, given=given), [("scene", np.int32), ("confidence", np.float32)])
    names = {-1: SILENCE, -2: UNCERTAIN, **dict(enumerate(classifier.labels))}
    assert [names[scene] for scene in found["scene"]] == [each.scene for each in expected]
    np.testing.assert_allclose(found["confidence"], [each.confidence for each in expected], atol=1e-6)
    assert {SILENCE, UNCERTAIN} < {each.scene for each in expected}


@pytest.mark.shared
def test_features_of_real_recordings(probe, shared):
    for path in [*sorted((shared / "esc10_mobile" / "clips").rglob("*.ogg"))[::40], *shared.glob("tau_audio/*.wav")]:
        sound = as_int16(np.resize(load_waveform(path, 16000), SAMPLES))
        expected = LogMel()(sound[np.newaxis].astype(np.float32) / 32768).numpy()[0, :, :, 0]
        difference = np.abs(frames_of(probe()("frames", 512, given=sound)) - expected)
        assert difference[audible(expected)].max() < 1e-3
