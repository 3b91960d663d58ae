"""benchmarks/streaming.py: what it computes is what a stream with a state would compute."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf.models import bc_resnet_asc

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "streaming.py"
CLIPS, FRAMES = 3, 40


@pytest.fixture(scope="module")
def streaming():
    spec = importlib.util.spec_from_file_location("streaming", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model():
    return bc_resnet_asc((16, FRAMES, 1), 3, width=4, depth=(1, 1, 1, 1), sub_bands=2)  # ResNorm after each stage too


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(0, 1, (CLIPS, 16, FRAMES, 1)).astype(np.float32)


@pytest.mark.slow
def test_a_stream_of_one_clip_with_its_own_statistics_is_a_window(streaming, model, features):
    clips = pd.DataFrame({"device": ["a", "b", "b"]})
    found = streaming.streamed(model, features, clips, 1, "clip", 1)
    np.testing.assert_allclose(found, streaming.windowed(model, features, FRAMES), atol=1e-4)


def test_an_answer_waits_for_the_frames_of_its_delay_and_no_longer(streaming, model, features):
    """Neither convolutions nor running statistics look further ahead."""
    network = streaming.stream_network(model, CLIPS, FRAMES, "last", 0.5)
    kept, late, step = streaming.state(model)
    stream = np.concatenate(features, axis=1)[np.newaxis]
    changed = stream.copy()
    changed[:, :, 80:] += np.linspace(1, 3, CLIPS * FRAMES - 80)[:, np.newaxis]
    differs = np.abs(network(stream) - network(changed)).max(axis=(0, 1, 3)) > 1e-4
    first = int(np.flatnonzero(differs)[0])
    assert step == 8 and first * step + late == pytest.approx(80, abs=step)
    assert 16 * 3 < kept < 16 * FRAMES * 8


def test_state_by_hand(streaming):
    inputs = x = keras.Input((4, 20, 2))
    x = keras.layers.DepthwiseConv2D((1, 3), padding="same")(x)  # keeps 2 columns of 4 x 2
    x = keras.layers.Add()([x, inputs])  # the input waits for one column
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(5, (3, 3), padding="same")(x)  # keeps 2 columns of 2 x 2, and looks 2 frames ahead
    assert streaming.state(keras.Model(inputs, x)) == (2 * 8 + 8 + 2 * 4, 1 + 1 + 2, 2)


def test_running_means_by_hand(streaming):
    values = np.array([[1.0, 3.0, 5.0, 9.0]])
    assert streaming.running_means(values, "last", 2, 1).tolist() == [[1, 2, 4, 7]]
    assert streaming.running_means(values, "clip", 0, 2).tolist() == [[2, 2, 7, 7]]
    keep = np.exp(-1 / 3)
    second = (keep * 1 + 3) / (keep + 1)
    assert streaming.running_means(values, "exponential", 3, 1)[0, :2] == pytest.approx([1, second])


@pytest.mark.slow
def test_the_script_runs_on_a_run(streaming, smallest_run, capsys):
    streaming.main([str(smallest_run), "--clips", "99", "--seconds", "1"])
    said = capsys.readouterr().out
    assert "windows of 1 s, the clips" in said and "stream, statistics: exponential 1 s" in said
    assert "MACs a second" in said and "bytes of state" in said
