import os
import random
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile

from asc_tf.audio import AudioFile, audio_seconds, load_waveform, resample
from asc_tf.errors import AscError

RATE_HZ = 16000


def read_audio(path):
    """(float32 samples [samples, channels], rate in Hz)."""
    with AudioFile(path) as file:
        assert file.frames > 0
        return np.concatenate([block.copy() for block in file]), file.sample_rate_hz


def sine(frequency_hz, rate_hz, samples, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / rate_hz)).astype(np.float32)


def noise(samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, samples).astype(np.float32)


def wav_bytes(samples, data_length=None, before_data=b"", rate_hz=RATE_HZ):
    """A 16-bit mono WAV file written by hand, so that its header can lie."""
    data = (np.asarray(samples) * 32768).astype("<i2").tobytes()
    length = len(data) if data_length is None else data_length
    chunks = b"WAVE" + struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz % 2**32, 2, 16)
    chunks += before_data + struct.pack("<4sI", b"data", length)
    return b"RIFF" + struct.pack("<I", min(len(chunks) + length, 0xFFFFFFFF)) + chunks + data


def chunk(name, content):
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def flac_bytes(folder, samples):
    path = folder / "source.flac"
    soundfile.write(path, samples, RATE_HZ)
    return path.read_bytes()


def with_flac_length(content, length):
    """The FLAC file's bytes with another number of samples in the lower 36 bits of its STREAMINFO's length field."""
    return content[:21] + bytes([content[21] & 0xF0 | length >> 32]) + struct.pack(">I", length % 2**32) + content[26:]


@pytest.mark.parametrize(
    ("format", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 2**-7),
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 2**-24),
        ("WAV", "FLOAT", 0),
        ("WAV", "DOUBLE", 0),
        ("WAVEX", "PCM_24", 2**-23),
        ("AIFF", "PCM_16", 2**-15),
        ("FLAC", "PCM_16", 2**-15),
        ("FLAC", "PCM_24", 2**-23),
        ("OGG", "VORBIS", 0.05),
    ],
)
def test_every_format_gives_the_same_waveform_to_within_its_quantization_step(tmp_path, format, subtype, tolerance):
    expected = sine(440, RATE_HZ, 8000, 0.4) + sine(1300, RATE_HZ, 8000, 0.2)
    soundfile.write(tmp_path / "clip", expected, RATE_HZ, format=format, subtype=subtype)
    waveform = load_waveform(tmp_path / "clip", RATE_HZ)
    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=tolerance * 1.001)


def test_the_most_negative_integer_is_minus_one_and_the_step_is_two_to_the_minus_fifteen(tmp_path):
    (tmp_path / "clip.wav").write_bytes(wav_bytes([-1.0, 0.0, 2**-15, 0.5, 32767 / 32768]))
    assert load_waveform(tmp_path / "clip.wav", RATE_HZ).tolist() == [-1.0, 0.0, 2**-15, 0.5, 32767 / 32768]


def test_equal_rates_leave_every_sample_as_it_is(tmp_path):
    expected = noise(5001)
    soundfile.write(tmp_path / "clip.wav", expected, 44100, subtype="FLOAT")
    np.testing.assert_array_equal(load_waveform(tmp_path / "clip.wav", 44100), expected)


def test_channels_are_averaged(tmp_path):
    channels = np.stack([noise(4000, seed) for seed in range(3)], axis=1)
    soundfile.write(tmp_path / "clip.wav", channels, RATE_HZ, subtype="FLOAT")
    np.testing.assert_allclose(load_waveform(tmp_path / "clip.wav", RATE_HZ), channels.sum(axis=1) / 3, atol=1e-7)


def test_a_file_keeps_channels_and_rate(tmp_path):
    channels = np.stack([noise(400), -noise(400, 1)], axis=1)
    soundfile.write(tmp_path / "clip.wav", channels, 22050, subtype="FLOAT")
    samples, rate_hz = read_audio(tmp_path / "clip.wav")
    assert rate_hz == 22050
    np.testing.assert_array_equal(samples, channels)


@pytest.mark.parametrize("samples", [44100, 44237, 14700, 100])
def test_resampling_gives_the_rounded_number_of_samples(tmp_path, samples):
    soundfile.write(tmp_path / "clip.wav", noise(samples), 44100)
    waveform = load_waveform(tmp_path / "clip.wav", RATE_HZ)
    assert waveform.shape == (round(samples * 16000 / 44100),)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000])
def test_a_1_khz_sine_stays_itself_through_resampling(tmp_path, rate_hz):
    soundfile.write(tmp_path / "clip.wav", sine(1000, rate_hz, rate_hz), rate_hz, subtype="FLOAT")
    waveform = load_waveform(tmp_path / "clip.wav", RATE_HZ)
    inner = slice(800, -800)  # the resampler's filter sees the ends of the clip
    np.testing.assert_allclose(waveform[inner], sine(1000, RATE_HZ, RATE_HZ)[inner], atol=1e-6)


def test_resampling_removes_what_lies_above_the_new_nyquist_frequency(tmp_path):
    soundfile.write(tmp_path / "clip.wav", sine(10000, 44100, 44100), 44100, subtype="FLOAT")
    assert np.abs(load_waveform(tmp_path / "clip.wav", RATE_HZ)[800:-800]).max() < 1e-5


def test_resample_to_the_same_rate_returns_float32():
    waveform = resample(noise(10).astype(np.float64), RATE_HZ, RATE_HZ)
    assert waveform.dtype == np.float32
    np.testing.assert_array_equal(waveform, noise(10))


@pytest.mark.parametrize("content", [b"abc", b"abcd"], ids=["odd", "even"])
def test_a_chunk_before_the_data_is_skipped(tmp_path, content):
    expected = np.round(noise(1000) * 2**15) / 2**15
    path = tmp_path / "clip.wav"
    path.write_bytes(wav_bytes(expected, before_data=chunk(b"note", content)))
    np.testing.assert_array_equal(load_waveform(path, RATE_HZ), expected)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(AscError, match="truncated"):
        load_waveform(path, RATE_HZ)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFF000], ids=hex)
def test_a_wav_file_written_to_a_pipe_is_read_to_its_end(tmp_path, length):
    expected = np.round(noise(1000) * 2**15) / 2**15
    (tmp_path / "clip.wav").write_bytes(wav_bytes(expected, data_length=length))
    np.testing.assert_array_equal(load_waveform(tmp_path / "clip.wav", RATE_HZ), expected)


def libsndfile_is_not_needed(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("libsndfile was asked")

    monkeypatch.setattr(soundfile, "SoundFile", refuse)


@pytest.mark.parametrize("channels", [1, 2, 9])
@pytest.mark.parametrize("bits", [16, 24])
def test_plain_wav_files_give_the_samples_of_libsndfile_without_it(tmp_path, monkeypatch, bits, channels):
    values = np.random.default_rng(0).integers(-(2**31), 2**31, (2**16 + 101, channels), np.int32)
    values[:2] = [[2**31 - 1], [-(2**31)]]
    soundfile.write(tmp_path / "clip.wav", values, RATE_HZ, subtype=f"PCM_{bits}")
    expected, _ = soundfile.read(tmp_path / "clip.wav", dtype="float32", always_2d=True)
    libsndfile_is_not_needed(monkeypatch)
    samples, rate_hz = read_audio(tmp_path / "clip.wav")
    assert rate_hz == RATE_HZ and samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)


def test_a_plain_wav_file_takes_little_more_memory_than_its_samples(tmp_path):
    soundfile.write(tmp_path / "clip.wav", noise(10**6), RATE_HZ, subtype="PCM_24")
    tracemalloc.start()
    samples = load_waveform(tmp_path / "clip.wav", RATE_HZ)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples.nbytes <= peak < samples.nbytes + 10**6


@pytest.mark.parametrize("rate_hz", [1000, 768000])
def test_the_lowest_and_the_highest_rate_are_read(tmp_path, rate_hz):
    at_rate(rate_hz)(tmp_path / "clip.wav")
    assert read_audio(tmp_path / "clip.wav")[1] == rate_hz


def test_a_plain_wav_file_that_shrinks_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(wav_bytes(noise(10**5)))

    with AudioFile(path) as file:
        os.truncate(path, 10**5)
        with pytest.raises(AscError, match="truncated, the header promises 200044 bytes and the file has 100000"):
            list(file)


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        ("WAV", "FLOAT"), ("WAV", "PCM_U8"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("W64", "PCM_24"),
        ("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("SVX", "PCM_16"),
    ],
)  # fmt: skip
def test_a_missing_tail_is_refused_in_every_format_whose_header_says_the_length(tmp_path, format, subtype):
    path = tmp_path / "clip"
    soundfile.write(path, noise(1000), RATE_HZ, format=format, subtype=subtype)
    content = path.read_bytes()
    assert len(load_waveform(path, RATE_HZ)) == 1000
    path.write_bytes(content[:-200])
    with pytest.raises(AscError, match=r"truncated, the header promises \d+ bytes and the file has \d+"):
        load_waveform(path, RATE_HZ)


def test_bytes_behind_the_end_of_an_rf64_file_are_ignored(tmp_path):
    path = tmp_path / "clip"
    soundfile.write(path, noise(1000), RATE_HZ, format="RF64", subtype="PCM_16")
    path.write_bytes(path.read_bytes() + bytes(200))
    assert len(load_waveform(path, RATE_HZ)) == 1000


def test_an_aiff_file_written_to_a_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "clip.aiff"
    soundfile.write(path, noise(1000), RATE_HZ, subtype="PCM_16")
    content = path.read_bytes()
    at = content.index(b"SSND") + 4
    path.write_bytes(content[:at] + struct.pack(">I", 0x7FFFF008) + content[at + 4 :])
    assert len(load_waveform(path, RATE_HZ)) == 1000


def test_a_headerless_file_called_raw_is_refused(tmp_path):
    (tmp_path / "clip.raw").write_bytes(bytes(1000))
    with pytest.raises(AscError, match="clip.raw: cannot be decoded as audio"):
        load_waveform(tmp_path / "clip.raw", RATE_HZ)


def test_the_length_in_seconds_is_that_of_the_samples(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(wav_bytes(noise(4000)))
    assert audio_seconds(path) == 0.25
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AscError, match="truncated"):
        audio_seconds(path)


def truncated_wav(path):
    path.write_bytes(wav_bytes(noise(1000))[:-1])


def half_a_wav(path):
    path.write_bytes(wav_bytes(noise(1000))[:1044])


def truncated_flac(path):
    content = flac_bytes(path.parent, noise(8000))
    path.write_bytes(content[: len(content) // 2])


def flipped_flac(path):
    content = bytearray(flac_bytes(path.parent, noise(8000)))
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def endless_flac(path):
    path.write_bytes(with_flac_length(flac_bytes(path.parent, noise(1000)), 0))


def enormous_flac(path):
    path.write_bytes(with_flac_length(flac_bytes(path.parent, noise(1000)), 2**36 - 1))


def float_wav_with(value):
    def write(path):
        samples = np.stack([noise(1000), noise(1000, 1)], axis=1)
        samples[123, 1] = value
        soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")

    return write


def half_an_mp3(path):
    soundfile.write(path, noise(80000), RATE_HZ, format="MP3")
    os.truncate(path, path.stat().st_size // 2)


def wavpack_in_wav(path):
    path.write_bytes(wav_bytes(np.frombuffer(b"wvpk1234", "<i2") / 32768))


def at_rate(rate_hz):
    return lambda path: path.write_bytes(wav_bytes(noise(10), rate_hz=rate_hz))


def one_sample_at_48_khz(path):
    path.write_bytes(wav_bytes([0.5], rate_hz=48000))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "no such file; expected an audio file"),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: path.write_bytes(b""), "is empty; expected an audio file"),
        (lambda path: path.write_text("not audio at all, but a text of some length"), "cannot be decoded as audio"),
        (lambda path: path.write_bytes(b"RIFF"), "ended inside the WAV header"),
        (lambda path: path.write_bytes(wav_bytes([])), "holds no samples; expected an audio file"),
        (truncated_wav, "truncated, the header promises 2044 bytes and the file has 2043"),
        (half_a_wav, "truncated, the header promises 2044 bytes and the file has 1044"),
        (truncated_flac, "cannot be decoded as audio"),
        (flipped_flac, "cannot be decoded as audio"),
        (endless_flac, "unknown length"),
        (enormous_flac, "68719476735 samples|cannot be decoded as audio"),
        (float_wav_with(np.nan), r"sample 123 is nan, which is not a finite number; expected \+-1"),
        (float_wav_with(np.inf), "sample 123 is inf, which is not a finite number"),
        (float_wav_with(-np.inf), "sample 123 is -inf, which is not a finite number"),
        (float_wav_with(3e38), r"sample 123 is 3e\+38; expected \+-1"),
        (float_wav_with(-3e38), r"sample 123 is -3e\+38; expected \+-1"),
        (float_wav_with(1e30), r"sample 123 is 1e\+30; expected \+-1"),
        (float_wav_with(32767), r"sample 123 is 32767; expected \+-1 \(integers are to be divided by their largest\)"),
        (float_wav_with(-17), r"sample 123 is -17; expected \+-1"),
        (half_an_mp3, r"truncated, \d+ bytes of its last MP3 frame are missing"),
        (wavpack_in_wav, "holds WavPack data; expected WAV samples"),
        (at_rate(0), "a sample rate of 0 Hz cannot be right; expected 1000 to 768000 Hz"),
        (at_rate(999), "a sample rate of 999 Hz"),
        (at_rate(768001), "a sample rate of 768001 Hz"),
        (at_rate(4000000000), "a sample rate of 4000000000 Hz"),
        (one_sample_at_48_khz, "too short, 1 samples at 48000 Hz"),
    ],
    ids=[
        "missing", "folder", "empty file", "text", "only a magic number", "no samples",
        "last byte missing", "half missing", "half a FLAC", "FLAC with a flipped bit", "FLAC without length",
        "FLAC of 3 weeks", "NaN", "+Inf", "-Inf", "3e38", "-3e38", "1e30",
        "16-bit scale", "-17", "half an MP3", "WavPack in WAV", "0 Hz", "999 Hz",
        "768001 Hz", "4 GHz", "less than a sample",
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_sentence_that_names_it(tmp_path, write, message):
    path = tmp_path / "clip.wav"
    write(path)
    with pytest.raises(AscError, match=message) as caught:
        load_waveform(path, RATE_HZ)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_a_mutated_file_is_refused_or_gives_finite_mono_samples(tmp_path, format):
    generator = random.Random(0)
    path = tmp_path / "clip"
    soundfile.write(path, noise(1600), 44100, format=format)
    original, refused = path.read_bytes(), 0
    for trial in range(150):
        content = bytearray(original)
        if trial % 3 == 0:
            del content[generator.randrange(len(content)) :]
        else:
            for _ in range(generator.randint(1, 4)):
                content[generator.randrange(64)] = generator.randrange(256)
        path.write_bytes(content)
        try:
            waveform = load_waveform(path, RATE_HZ)
        except AscError:
            refused += 1
        else:
            assert waveform.dtype == np.float32, trial
            assert waveform.ndim == 1 and len(waveform) > 0, trial
            assert np.isfinite(waveform).all(), trial
    assert 50 <= refused < 150
