import os
import shutil
import time

import numpy as np
import pytest
import soundfile

from asc_tf.data.cache import cached_features, fit_length, mean_and_std
from asc_tf.data.clips import read_clips
from asc_tf.errors import AscError
from asc_tf.frontend.decode import load_waveform
from asc_tf.frontend.log_mel import LogMel

FRONTEND = LogMel(mel_bins=32)


@pytest.fixture
def root(synthetic_root, tmp_path):
    return shutil.copytree(synthetic_root, tmp_path / "data")


@pytest.fixture
def clips(root):
    return read_clips(root).iloc[:6].reset_index(drop=True)


def test_rows_are_the_frontends_output_in_the_frames_order(root, clips):
    features = cached_features(root, clips, FRONTEND, 1.0)
    assert features.shape == (6, 32, 34) and features.dtype == np.float16
    for row, name in zip(features, clips.filename, strict=True):
        waveform = load_waveform(root / name, 16000)
        np.testing.assert_allclose(row, FRONTEND(waveform[np.newaxis])[0, :, :, 0], atol=0.01)


def test_the_second_call_reads_the_file_of_the_first(root, clips):
    cached_features(root, clips, FRONTEND, 1.0)
    (file,) = (root / "features").iterdir()
    before = file.stat().st_mtime_ns
    again = cached_features(root, clips, FRONTEND, 1.0)
    assert isinstance(again, np.memmap) and file.stat().st_mtime_ns == before
    assert list((root / "features").iterdir()) == [file]


def test_a_feature_file_that_was_cut_short_is_made_anew(root, clips):
    first = np.array(cached_features(root, clips, FRONTEND, 1.0))
    (file,) = (root / "features").iterdir()
    for content in (file.read_bytes()[:-100], file.read_bytes()[:20], b""):
        file.write_bytes(content)
        np.testing.assert_array_equal(cached_features(root, clips, FRONTEND, 1.0), first)


def change_audio(root, clips):
    path = root / clips.filename[2]
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples[::-1], rate, subtype="PCM_24")
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    return clips, FRONTEND, 1.0


@pytest.mark.parametrize(
    "change",
    [
        change_audio,
        lambda root, clips: (clips.iloc[::-1].reset_index(drop=True), FRONTEND, 1.0),
        lambda root, clips: (clips, LogMel(mel_bins=32, hop_ms=31.0), 1.0),
        lambda root, clips: (clips, FRONTEND, 0.95),
    ],
    ids=["a recording", "the order", "the frontend", "the length"],
)
def test_what_determines_the_features_makes_another_file(root, clips, change):
    first = np.array(cached_features(root, clips, FRONTEND, 1.0))
    second = cached_features(root, *change(root, clips))
    assert len(list((root / "features").iterdir())) == 2
    assert first.shape != second.shape or (first != second).any()


@pytest.mark.parametrize("content", [b"", b"no audio at all", None], ids=["empty", "text", "missing"])
def test_a_clip_that_cannot_be_read_is_named_and_nothing_is_left(root, clips, content):
    path = root / clips.filename[4]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AscError, match=path.name):
        cached_features(root, clips, FRONTEND, 1.0)
    assert not (root / "features").exists() or not list((root / "features").iterdir())


def test_a_clip_of_another_length_is_named(root, clips):
    path = root / clips.filename[1]
    soundfile.write(path, np.zeros(2 * 44100), 44100)
    with pytest.raises(AscError, match=rf"{path.name}: lasts 2.00 s; expected 1.00 s"):
        cached_features(root, clips, FRONTEND, 1.0)


def test_small_differences_in_length_are_cut_or_padded():
    np.testing.assert_array_equal(fit_length(np.ones(98), 100, 100, "x"), [*np.ones(98), 0, 0])
    np.testing.assert_array_equal(fit_length(np.arange(105), 100, 100, "x"), np.arange(100))
    with pytest.raises(AscError):
        fit_length(np.ones(89), 100, 100, "x")


def test_mean_and_std_of_the_chosen_rows():
    values = np.random.default_rng(0).normal(-5, 3, (11, 4, 6)).astype(np.float16)
    rows = np.array([0, 3, 4, 7, 10])
    mean, std = mean_and_std(values, rows, chunk=2)
    assert mean == pytest.approx(values[rows].astype(np.float64).mean())
    assert std == pytest.approx(values[rows].astype(np.float64).std())
