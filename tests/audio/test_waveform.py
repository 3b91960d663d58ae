"""Reading in blocks gives what reading the whole gives, and takes no more memory for longer recordings."""

import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr

from asc_tf.audio import load_waveform, waveform_blocks
from asc_tf.audio.waveform import MonoResampler
from asc_tf.errors import AscError

RATES_HZ = (8000, 11025, 16000, 22050, 32000, 44056, 44100, 48000, 96000, 192000)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("length", [1, 7, 100, 14_700, 100_003])
def test_a_stream_is_resampled_to_the_samples_of_the_whole_bit_by_bit(rate_hz, length):
    samples = noise((length, 2))
    mono = samples.mean(axis=1)
    expected = mono if rate_hz == 16000 else soxr.resample(mono, rate_hz, 16000, quality="HQ")
    generator = np.random.default_rng(1)
    for most in (length, 5000, 300):
        resampler, pieces, start = MonoResampler(rate_hz, 16000), [], 0
        while start < length:
            step = int(generator.integers(0, most + 1))
            pieces.append(resampler.push(samples[start : start + step]).copy())
            start += step
        np.testing.assert_array_equal(np.concatenate([*pieces, resampler.finish()]), expected)


@pytest.mark.parametrize("rate_hz", [16000, 44100])
@pytest.mark.parametrize(("file_format", "subtype"), [("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")])
def test_blocks_put_together_are_the_waveform(tmp_path, rate_hz, file_format, subtype):
    path = tmp_path / "clip"
    soundfile.write(path, noise((150_000, 2)), rate_hz, format=file_format, subtype=subtype)
    blocks = [block.copy() for block in waveform_blocks(path, 16000)]
    assert len(blocks) > 8 and max(map(len, blocks)) < 40_000
    np.testing.assert_array_equal(np.concatenate(blocks), load_waveform(path, 16000))
    samples = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    expected = samples if rate_hz == 16000 else soxr.resample(samples, rate_hz, 16000, quality="HQ")
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for seconds in (10, 100):
        path = tmp_path / f"{seconds}.wav"
        soundfile.write(path, noise((48000 * seconds, 2)), 48000, subtype="PCM_16")
        tracemalloc.start()
        assert sum(map(len, waveform_blocks(path, 16000))) == 16000 * seconds
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] and peaks[1] < 2 * 10**6


def test_samples_that_cannot_be_sound_are_refused_wherever_they_are(tmp_path):
    samples = noise((100_000, 2))
    samples[99_990, 1] = 1e30
    soundfile.write(tmp_path / "clip.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AscError, match=r"clip.wav: sample 99990 is 1e\+30; expected \+-1"):
        list(waveform_blocks(tmp_path / "clip.wav", 16000))
