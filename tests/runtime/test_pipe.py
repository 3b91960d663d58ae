import io
import struct

import numpy as np
import pytest
import soundfile

from asc_tf.errors import AscError
from asc_tf.runtime.pipe import SamplePipe


class Trickle(io.BytesIO):
    """A pipe that gives a few bytes at a time."""

    def read1(self, size=-1):
        return self.read(min(size, 7))


def wav(subtype="PCM_16", channels=2, rate=44100, samples=1000):
    buffer = io.BytesIO()
    sound = np.random.default_rng(0).uniform(-0.9, 0.9, (samples, channels))
    soundfile.write(buffer, sound, rate, subtype=subtype, format="WAV")
    return buffer.getvalue()


def all_of(content, make=io.BytesIO, raw_rate_hz=16000, said=None):
    return np.concatenate(list(SamplePipe(make(content), raw_rate_hz, said)))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("make", [io.BytesIO, Trickle])
def test_wav_gives_what_libsndfile_reads(subtype, make):
    content = wav(subtype)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    np.testing.assert_array_equal(all_of(content, make), expected)
    found = SamplePipe(make(content), 16000)
    assert (found.sample_rate_hz, found.channels) == (44100, 2)


@pytest.mark.parametrize("length", [0, 0x7FFFF024, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_the_writer_did_not_know_means_to_the_end(length):
    content = wav()
    start = content.index(b"data")
    streamed = content[: start + 4] + struct.pack("<I", length) + content[start + 8 :]
    np.testing.assert_array_equal(all_of(streamed), all_of(content))


def test_chunks_behind_the_data_are_not_sound():
    np.testing.assert_array_equal(all_of(wav() + b"LIST\4\0\0\0INFO"), all_of(wav()))


@pytest.mark.parametrize("make", [io.BytesIO, Trickle])
def test_raw_samples_are_16_bit_little_endian_in_one_channel(make):
    pipe = SamplePipe(make(struct.pack("<4h", 0, 16384, -32768, 32767)), 8000)
    assert (pipe.wav, pipe.sample_rate_hz, pipe.channels) == (False, 8000, 1)
    np.testing.assert_array_equal(np.concatenate(list(pipe))[:, 0], np.float32([0, 0.5, -1, 32767 / 32768]))


def changed(at, layout, value):
    content = bytearray(wav())
    struct.pack_into(layout, content, at, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ended before a sample came"),
        (b"fLaC" + bytes(100), "is FLAC; expected WAV, or raw S16_LE of one channel"),
        (b"RIFX" + bytes(100), "is a RIFX file without WAVE"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "without WAVE"),
        (wav()[:30], "ended inside the WAV header"),
        (wav()[:-10], "ended after 3990 of the 4000 bytes that the header promises"),
        (wav("ULAW"), "format 7 with 8 bits"),
        (changed(16, "<I", 0x7FFFFFF0), "a chunk b'fmt ' of 2147483632 bytes"),
        (changed(22, "<H", 0), "0 channels"),
        (changed(22, "<H", 3), "3 channels of 16 in 16 bits in 4 bytes"),
        (changed(24, "<I", 5), "a sample rate of 5 Hz"),
        (bytes(7), "ended inside a sample"),
    ],
)
@pytest.mark.parametrize("make", [io.BytesIO, Trickle])
def test_what_is_not_as_it_should_be_is_named(content, message, make):
    with pytest.raises(AscError, match=f"^standard input: .*{message}"):
        all_of(content, make)


def test_another_rate_than_was_said_is_refused():
    assert len(all_of(wav(), said=44100)) == 1000
    with pytest.raises(AscError, match="header says 44100 Hz, but --rate 48000"):
        all_of(wav(), said=48000)
