import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

from asc_tf.errors import AscError
from asc_tf.runtime import Classifier
from asc_tf.runtime.metadata import with_metadata
from asc_tf.runtime.windows import windows

LABELS = ("north", "east", "south", "west")


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def test_attributes_say_what_the_network_takes_and_gives(classifier):
    assert classifier.sample_rate_hz == 16000
    assert classifier.samples == 8000
    assert classifier.labels == LABELS
    assert classifier.metadata.network == "linear"


@pytest.mark.parametrize("samples", [2, 700, 8000, 8001, 50000])
def test_probabilities_of_any_length_are_a_distribution(classifier, samples):
    probabilities = classifier.classify(noise(samples), 16000)
    assert probabilities.shape == (4,)
    assert probabilities.min() >= 0
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_different_sounds_give_different_probabilities(classifier):
    sounds = [noise(8000), noise(8000, 1), 10 * noise(8000), noise(8000)[::-1]]
    probabilities = np.stack([classifier.classify(sound, 16000) for sound in sounds])
    distance = np.abs(probabilities[:, np.newaxis] - probabilities).max(axis=2)
    assert distance[~np.eye(4, dtype=bool)].min() > 5e-3


@pytest.mark.parametrize("block", [1, 3, 4, 5, 100])
@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (12, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]),
        (10, [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]]),
        (5, [[0, 1, 2, 3], [1, 2, 3, 4]]),
        (4, [[0, 1, 2, 3]]),
        (3, [[0, 1, 2, 0]]),
        (1, [[0, 0, 0, 0]]),
    ],
    ids=["whole windows", "the last one ends where the clip does", "one sample more", "one", "shorter", "one sample"],
)
def test_a_clip_is_cut_into_windows_whatever_blocks_it_comes_in(length, expected, block):
    clip = np.arange(length, dtype=np.float32)
    blocks = [clip[first : first + block] for first in range(0, length, block)]
    np.testing.assert_array_equal([*windows(iter([clip[:0], *blocks]), 4)], expected)


def test_probabilities_of_a_long_clip_are_the_mean_of_its_windows(classifier):
    waveform = noise(20000)
    parts = [waveform[:8000], waveform[8000:16000], waveform[12000:]]
    expected = np.mean([classifier.window_probabilities(part) for part in parts], axis=0)
    np.testing.assert_allclose(classifier.classify(waveform, 16000), expected, atol=1e-7)


def test_a_file_gives_what_its_samples_give(classifier, tmp_path):
    waveform = noise(15000)
    soundfile.write(tmp_path / "clip.wav", waveform, 16000, subtype="FLOAT")
    expected = classifier.classify(waveform, 16000)
    np.testing.assert_array_equal(classifier.classify_file(tmp_path / "clip.wav"), expected)


def test_stereo_of_48_khz_is_averaged_and_resampled(classifier, tmp_path):
    stereo = noise((24000, 2))
    soundfile.write(tmp_path / "clip.wav", stereo, 48000, subtype="FLOAT")
    mono = soxr.resample(stereo.astype(np.float64).mean(axis=1), 48000, 16000, quality="HQ").astype(np.float32)
    expected = classifier.window_probabilities(mono)
    np.testing.assert_allclose(classifier.classify_file(tmp_path / "clip.wav"), expected, atol=1e-5)
    np.testing.assert_allclose(classifier.classify(stereo, 48000), expected, atol=1e-5)


def test_of_silence_all_probabilities_are_0(classifier):
    for silence in (np.zeros(8000), np.zeros((20000, 2)), np.stack([noise(8000), -noise(8000)], axis=1)):
        probabilities = classifier.classify(silence, 16000)
        assert probabilities.dtype == np.float32 and probabilities.tolist() == [0, 0, 0, 0]


def test_silent_windows_have_no_part_in_the_mean(classifier):
    sound = noise(16000)
    clip = np.concatenate([np.zeros(8000, np.float32), sound, np.zeros(16000, np.float32)])
    np.testing.assert_array_equal(classifier.classify(clip, 16000), classifier.classify(sound, 16000))


def test_a_long_file_gives_what_its_windows_give_bit_by_bit(classifier, tmp_path):
    soundfile.write(tmp_path / "clip.wav", noise((48000 * 7 + 11, 2)), 48000, subtype="PCM_24")
    mono = soundfile.read(tmp_path / "clip.wav", dtype="float32")[0].mean(axis=1)
    waveform = soxr.resample(mono, 48000, 16000, quality="HQ")
    found = [classifier.window_probabilities(window) for window in windows([waveform], 8000)]
    assert len(found) == 15
    np.testing.assert_array_equal(classifier.classify_file(tmp_path / "clip.wav"), np.mean(found, axis=0))


def test_too_little_memory_is_one_sentence_that_names_the_file(classifier, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "clip.wav", noise(8000), 16000)

    def fail(window):
        raise MemoryError

    monkeypatch.setattr(classifier, "window_probabilities", fail)
    with pytest.raises(AscError, match=f"^{tmp_path / 'clip.wav'}: needs more memory than this machine has$"):
        classifier.classify_file(tmp_path / "clip.wav")


def test_a_network_that_gives_no_numbers_is_refused(classifier):
    with pytest.raises(AscError, match="model.tflite: gives numbers that are not finite"):
        classifier.window_probabilities(np.full(8000, np.nan, np.float32))


def test_more_threads_give_the_same_probabilities(classifier, file):
    expected = classifier.classify(noise(8000), 16000)
    np.testing.assert_allclose(Classifier(file, threads=2).classify(noise(8000), 16000), expected, atol=1e-6)


@pytest.mark.parametrize(
    "waveform",
    [np.zeros(0), np.zeros((0, 2)), np.zeros((2, 2, 2)), np.array(0.5), np.array([0, np.nan]), np.array([0, np.inf])],
    ids=["empty", "empty stereo", "3-d", "scalar", "NaN", "Inf"],
)
def test_samples_that_cannot_be_classified_are_refused(classifier, waveform):
    with pytest.raises(AscError, match="cannot be classified; expected finite samples"):
        classifier.classify(waveform, 16000)


@pytest.mark.parametrize("value", [32767, -1e30])
def test_samples_far_beyond_1_are_refused(classifier, value):
    sound = noise((9000, 2))
    sound[10, 1] = value
    with pytest.raises(AscError, match=r"a waveform cannot be classified: sample 10 is .*; expected \+-1"):
        classifier.classify(sound, 16000)


def test_a_file_that_is_no_audio_is_refused_by_name(classifier, tmp_path):
    (tmp_path / "notes.wav").write_text("not a sound")
    with pytest.raises(AscError, match="notes.wav: cannot be decoded as audio"):
        classifier.classify_file(tmp_path / "notes.wav")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read .No such file or directory."),
        (lambda path: path.mkdir(), "cannot be read .Is a directory."),
        (lambda path: path.write_text("not a network"), "is not a .tflite file"),
        (lambda path: path.write_bytes(b""), "is not a .tflite file"),
    ],
    ids=["missing", "folder", "text", "empty"],
)
def test_a_file_that_is_no_network_is_refused_by_name(tmp_path, make, message):
    path = tmp_path / "model.tflite"
    make(path)
    with pytest.raises(AscError, match=message) as caught:
        Classifier(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"samples": 8001}, {"labels": LABELS[1:]}, {"input": "features"}],
    ids=["another length", "a label too few", "another input"],
)
def test_metadata_that_does_not_fit_the_network_is_refused(file, classifier, tmp_path, changes):
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(file.read_bytes(), dataclasses.replace(classifier.metadata, **changes)))
    with pytest.raises(AscError, match=r"model.tflite: takes and gives .* but its metadata says "):
        Classifier(path)


def test_one_flipped_bit_of_a_weight_is_noticed(file, tmp_path):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(AscError, match="model.tflite: is a damaged"):
        Classifier(tmp_path / "model.tflite")


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )


def test_classifying_a_file_prints_nothing_and_loads_no_training_framework(file, tmp_path):
    soundfile.write(tmp_path / "clip.wav", noise(8000), 16000)
    result = run_python(
        "import sys\n"
        "from asc_tf.runtime import Classifier\n"
        "probabilities = Classifier(sys.argv[1]).classify_file(sys.argv[2])\n"
        "print(len(probabilities), *sys.modules)",
        file,
        tmp_path / "clip.wav",
    )
    count, *modules = result.stdout.split()
    assert count == "4"
    assert result.stderr == ""
    assert {"numpy", "ai_edge_litert"} <= set(modules)
    assert not {"tensorflow", "tf_keras", "keras", "pandas", "tyro", "matplotlib", "librosa"} & set(modules)
