"""A recording that changes its scene: when it does, what is said of it, and what the file of it looks like."""

import csv

import numpy as np
import pytest
import soundfile

from asc_tf.errors import AscError
from asc_tf.runtime.answer import SILENCE, UNCERTAIN, scene_of
from asc_tf.runtime.timeline import Stretch, line_of, timeline, windows_of, write_timelines

RATE, WINDOW = 16000, 0.5


class Loudness:
    """In place of a network: a window is as much 'loud' as its level says; labels and windows as of a `Classifier`."""

    labels, sample_rate_hz, samples, uncertain_below = ("quiet", "loud"), RATE, int(RATE * WINDOW), None

    def window_probabilities(self, window):
        loud = min(1, float(np.sqrt(np.mean(window**2))) / 0.1)
        return np.array([1 - loud, loud], np.float32)

    def classify_file(self, path):
        return self.window_probabilities(soundfile.read(path)[0])


def write(path, *parts):
    """A recording of stretches (seconds, level)."""
    generator = np.random.default_rng(0)
    sound = [level * generator.standard_normal(round(seconds * RATE)) for seconds, level in parts]
    soundfile.write(path, np.concatenate(sound), RATE, subtype="FLOAT")
    return path


def test_a_change_is_found_where_it_is(tmp_path):
    path = write(tmp_path / "a.wav", (4, 0.01), (3, 0.1), (2, 0.01))
    found = timeline(Loudness(), path, hop_seconds=0.1, smoothing=1)
    assert [one.scene for one in found] == ["quiet", "loud", "quiet"]
    assert abs(found[0].to_seconds - 4) < 0.2 and abs(found[1].to_seconds - 7) < 0.2


def test_stretches_follow_each_other_from_the_beginning_to_the_end(tmp_path):
    path = write(tmp_path / "a.wav", (2.03, 0.01), (1.9, 0.1), (1.44, 0), (2.2, 0.1))
    found = timeline(Loudness(), path, hop_seconds=0.2)
    assert found[0].from_seconds == 0 and found[-1].to_seconds == pytest.approx(7.57)
    assert all(one.to_seconds == other.from_seconds for one, other in zip(found, found[1:], strict=False))
    assert [one.scene for one in found] == ["quiet", "loud", SILENCE, "loud"]
    assert found[2].confidence == 0


def test_a_recording_shorter_than_a_window_is_one_stretch(tmp_path):
    path = write(tmp_path / "a.wav", (0.3, 0.1))
    (only,) = timeline(Loudness(), path)
    assert (only.from_seconds, only.to_seconds, only.scene) == (0, pytest.approx(0.3), "loud")
    with pytest.raises(AscError, match="ends after 0.3 s, before its first window of 0.5 s"):
        list(windows_of(Loudness(), path))


def test_an_answer_below_the_threshold_is_uncertain(tmp_path):
    classifier = Loudness()
    classifier.uncertain_below = 0.7
    found = timeline(classifier, write(tmp_path / "a.wav", (2, 0.05)), hop_seconds=0.5)
    assert [one.scene for one in found] == [UNCERTAIN]
    assert scene_of("ab", [0.7, 0.3], 0.7) == ("a", 0.7) and scene_of("ab", [0, 0], 0.7) == (SILENCE, 0)
    assert scene_of("ab", [0.6, 0.4], 0) == ("a", 0.6)


def test_lines_and_file(tmp_path):
    assert line_of(Stretch(0, 12.34, "rain", 0.8313)) == "      0.0 to      12.3 s  rain 83.1 %"
    assert line_of(Stretch(1, 2, SILENCE, 0.0)).endswith("silence")
    write_timelines(tmp_path / "t.csv", {"a, b.wav": [Stretch(0, 1.5, "rain", 0.5), Stretch(1.5, 2, SILENCE, 0)]})
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["file"] for row in rows] == ["a, b.wav"] * 2
    assert rows[0]["to_seconds"] == rows[1]["from_seconds"] == "1.500" and rows[1]["scene"] == SILENCE
