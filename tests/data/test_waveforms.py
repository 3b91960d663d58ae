import numpy as np
import pandas as pd
import pytest
import soundfile

from asc_tf.data.waveforms import Cut, audio_state, fit_length, read_clip_seconds, repeat_pieces
from asc_tf.errors import AscError


def write(path, samples, rate=1000):
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def frame(*names):
    return pd.DataFrame({"filename": names, "clip_id": [name.split(".")[0] for name in names]})


def test_small_differences_in_length_are_cut_or_padded():
    np.testing.assert_array_equal(fit_length(np.ones(98), 100, 100, "x"), [*np.ones(98), 0, 0])
    np.testing.assert_array_equal(fit_length(np.arange(105), 100, 100, "x"), np.arange(100))


@pytest.mark.parametrize("length", [0, 89, 111])
def test_another_length_is_an_error_that_names_the_clip(length):
    with pytest.raises(AscError, match=rf"^x.wav: lasts {length / 100:.2f} s; expected 1.00 s"):
        fit_length(np.ones(length), 100, 100, "x.wav")
    for length in (90, 110):
        assert len(fit_length(np.ones(length), 100, 100, "x.wav")) == 100


def test_a_clip_is_one_piece_or_several(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    path = write(tmp_path / "x.wav", samples)
    whole = Cut(1000, 1.0)
    assert (whole.clip_samples, whole.samples, whole.pieces) == (1000, 1000, 1)
    np.testing.assert_array_equal(whole.load(path), samples[np.newaxis])
    thirds = Cut(1000, 1.0, 0.3)
    assert (thirds.clip_samples, thirds.samples, thirds.pieces) == (1000, 300, 3)
    pieces = thirds.load(path)
    assert pieces.dtype == np.float32
    np.testing.assert_array_equal(pieces, samples[:900].reshape(3, 300))
    assert Cut(1000, 1.0, 1.0).pieces == 1


def test_the_length_is_that_at_the_new_rate(tmp_path):
    path = write(tmp_path / "x.wav", np.zeros(48000), 48000)
    assert Cut(16000, 1.0, 0.25).load(path).shape == (4, 4000)


def test_a_clip_that_is_a_little_short_ends_in_zeros(tmp_path):
    pieces = Cut(1000, 1.0, 0.5).load(write(tmp_path / "x.wav", np.ones(950)))
    np.testing.assert_array_equal(pieces, np.concatenate([np.ones(950), np.zeros(50)]).reshape(2, 500))


def test_a_clip_of_another_length_is_named(tmp_path):
    path = write(tmp_path / "x.wav", np.ones(1200))
    with pytest.raises(AscError, match=rf"^{path}: lasts 1.20 s; expected 1.00 s"):
        Cut(1000, 1.0, 0.5).load(path)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e-5])
def test_lengths_that_are_none_are_errors(seconds):
    with pytest.raises(AscError, match="expected a positive number of seconds"):
        Cut(1000, 1.0, seconds)
    with pytest.raises(AscError, match="expected a positive number of seconds"):
        Cut(1000, seconds)


def test_a_piece_that_is_longer_than_the_clip_is_an_error():
    with pytest.raises(AscError, match="pieces of 1.5 s are given; expected at most 1 s"):
        Cut(1000, 1.0, 1.5)


def test_the_first_clip_that_can_be_read_tells_the_length(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    write(tmp_path / "good.wav", np.zeros(2500))
    write(tmp_path / "later.wav", np.zeros(4000))
    assert read_clip_seconds(tmp_path, frame("missing.wav", "text.wav", "good.wav", "later.wav")) == 2.5


def test_no_clip_that_can_be_read_is_an_error_that_names_the_first(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(AscError, match=f"{tmp_path / 'text.wav'}: cannot be decoded as audio"):
        read_clip_seconds(tmp_path, frame("text.wav", "missing.wav"))
    with pytest.raises(AscError, match=f"{tmp_path}: has no clip"):
        read_clip_seconds(tmp_path, frame())


def test_pieces_get_a_row_and_a_name_each():
    clips = frame("a.wav", "b.wav").assign(scene=["bus", "tram"]).set_axis([7, 3])
    repeated = repeat_pieces(clips, 3)
    assert repeated.clip_id.tolist() == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]
    assert repeated.scene.tolist() == ["bus"] * 3 + ["tram"] * 3 and repeated.index.tolist() == list(range(6))
    whole = repeat_pieces(clips, 1)
    assert whole.clip_id.tolist() == ["a", "b"] and whole.index.tolist() == [0, 1]


def test_state_of_the_recordings(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"12345")
    state, problems = audio_state(tmp_path, ["x.wav", "y.wav", "z\0.wav"])
    assert state == {"x.wav": (5, (tmp_path / "x.wav").stat().st_mtime_ns)}
    assert problems["y.wav"] == f"{tmp_path / 'y.wav'}: cannot be read (No such file or directory)"
    assert problems.keys() == {"y.wav", "z\0.wav"}
