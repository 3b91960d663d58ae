"""WAV files decoded by TensorFlow's operations: the very samples that `load_waveform` and soundfile give."""

import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asc_tf.audio.waveform import load_waveform
from asc_tf.data import graph_wav

RATE_HZ = 16000
TYPES = {"PCM_16": (1, 16), "PCM_24": (1, 24), "PCM_32": (1, 32), "FLOAT": (3, 32)}


def wav(kind, data, channels=1, rate_hz=RATE_HZ, length=None):
    """A WAV file with the usual header of 44 bytes."""
    tag, bits = TYPES[kind]
    block = channels * bits // 8
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate_hz, rate_hz * block, block, bits)
    body = b"WAVE" + fmt + struct.pack("<4sI", b"data", len(data) if length is None else length)
    return b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data


def samples_of(kind, count=4099):
    """Bytes of noise over the whole range, with its ends, zero and the smallest steps in front."""
    generator = np.random.default_rng(0)
    if kind == "FLOAT":
        ends = np.float32([0, -0.0, 1, -1, 3.5, -3.5, 2**-24, 1e-38, 1e-45])
        return np.concatenate([ends, generator.normal(0, 0.3, count)]).astype("<f4").tobytes()
    ends = np.array([0, 1, -1, 255, -256, 2**31 - 1, -(2**31), 2**24 + 1, 0x12345678], np.int64)
    values = np.concatenate([ends, generator.integers(-(2**31), 2**31, count)]).astype("<i4")
    return values.view(np.uint8).reshape(-1, 4)[:, 4 - TYPES[kind][1] // 8 :].tobytes()


IN_GRAPH = tf.function(graph_wav.kind_and_rate, input_signature=[tf.TensorSpec((), tf.string)])


def kind_of(content):
    """(name of the kind or None, rate in Hz)."""
    place, rate = IN_GRAPH(tf.constant(content))
    return [None, *graph_wav.KINDS][int(place)], int(rate)


@pytest.mark.parametrize("kind", TYPES)
def test_every_kind_is_decoded_to_the_samples_of_soundfile_bit_by_bit(tmp_path, kind):
    path, content = tmp_path / "clip.wav", wav(kind, samples_of(kind))
    path.write_bytes(content)
    assert kind_of(content) == (kind, RATE_HZ)
    samples = tf.function(lambda raw: graph_wav.decode(raw, kind))(tf.constant(content))
    assert samples.dtype == tf.float32
    for expected in (load_waveform(path, RATE_HZ), soundfile.read(path, dtype="float32")[0]):
        np.testing.assert_array_equal(samples, expected)


def floats(*values):
    return np.float32(values).astype("<f4").tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"RIFF", wav("PCM_16", b""), wav("PCM_16", b"abc"), wav("PCM_24", b"abcd"), wav("PCM_32", bytes(6)),
        wav("PCM_16", bytes(8), channels=2), wav("PCM_16", bytes(8), rate_hz=999), wav("PCM_16", bytes(8), length=10),
        wav("PCM_16", bytes(8), length=6), wav("PCM_16", bytes(8), length=0), wav("PCM_16", bytes(8), length=2**31),
        wav("FLOAT", floats(0, np.nan)), wav("FLOAT", floats(-np.inf)), wav("FLOAT", floats(1e30, 0)),
        b"RIFX" + wav("PCM_16", bytes(8))[4:],
    ],
    ids=["nothing", "magic", "no samples", "3 bytes", "4 bytes", "6 bytes", "stereo", "999 Hz", "cut", "more behind",
         "length 0", "length 2 GB", "NaN", "Inf", "1e30", "big-endian"],
)  # fmt: skip
def test_everything_else_is_left_to_the_host(content):
    assert kind_of(content)[0] is None


def test_a_header_with_any_byte_changed_is_left_to_the_host_or_read_as_the_host_reads_it(tmp_path):
    path, content = tmp_path / "clip.wav", wav("PCM_24", samples_of("PCM_24", 91))
    taken = 0
    for place in range(44):
        for value in (0, 1, 2, 3, 16, 24, 255):
            changed = content[:place] + bytes([value]) + content[place + 1 :]
            kind, rate_hz = kind_of(changed)
            if kind:
                taken += 1
                path.write_bytes(changed)
                np.testing.assert_array_equal(graph_wav.decode(changed, kind), load_waveform(path, rate_hz))
    assert taken > 44  # the RIFF's length and the bytes a second decide nothing
