"""What WAV headers mean, whatever their writers left in them: one answer for a file and for a pipe."""

import io
import struct

import numpy as np
import pytest
import soundfile

from asc_tf.audio import AudioFile
from asc_tf.audio.wav_header import WavHeader, data_bytes
from asc_tf.errors import AscError
from asc_tf.runtime.pipe import SamplePipe

RATE_HZ = 16000
PCM, FLOAT, MULAW, EXTENSIBLE = 1, 3, 7, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")
WAVE64 = bytes.fromhex("f3acd3118cd100c04f8edb8a")


def fmt(tag, bits, container=None, channels=1, valid=None, order="<"):
    """The content of a fmt chunk; with `valid` it is an extensible one whose subformat is the tag."""
    block = channels * (container or (bits + 7) // 8)
    head = EXTENSIBLE if valid is not None else tag
    plain = struct.pack(f"{order}HHIIHH", head, channels, RATE_HZ, RATE_HZ * block, block, bits)
    return plain if valid is None else plain + struct.pack(f"{order}HHIH", 22, valid, 0, tag) + GUID


def wav(format_, data, said=None, magic=b"RIFF", before=b"", behind=b"", order="<"):
    """A file of chunks; `said` is the length of the data by the header."""
    length = len(data) if said is None else said
    body = b"WAVE" + before + struct.pack(f"{order}4sI", b"fmt ", len(format_)) + format_
    body += struct.pack(f"{order}4sI", b"data", length) + data + b"\0" * (len(data) % 2 and bool(behind)) + behind
    return magic + struct.pack(f"{order}I", len(body) % 2**32) + body


def with_long_sizes(format_, data, said=None, magic=b"RF64"):
    """RF64 or BW64: the length in a chunk of 64-bit numbers."""
    length = len(data) if said is None else said
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, 0, length, 0, 0)
    return wav(format_, data, 0xFFFFFFFF, magic, before=ds64)


def wave64(format_, data, said=None):
    length = len(data) if said is None else said

    def chunk(name, content, length):
        return name + WAVE64 + struct.pack("<Q", 24 + length) + content + bytes(-len(content) % 8)

    chunks = chunk(b"fmt ", format_, len(format_)) + chunk(b"fact", bytes(8), 8) + chunk(b"data", data, length)
    riff = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    return riff + struct.pack("<Q", 40 + len(chunks)) + b"wave" + WAVE64 + chunks


def of_file(path, content):
    path.write_bytes(content)
    with AudioFile(path) as file:
        return np.concatenate([block.copy() for block in file])


def of_pipe(content):
    return np.concatenate([*SamplePipe(io.BytesIO(content), RATE_HZ, name="pipe")])


def heard(path, content):
    """Samples [n, channels] of a file, which are those of the pipe."""
    samples = of_file(path, content)
    np.testing.assert_array_equal(of_pipe(content), samples)
    return samples


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clip.wav"


def sound(count=1000):
    return np.random.default_rng(0).uniform(-0.9, 0.9, count)


def containers(values, bits, container, at_upper_end, order="little"):
    """Bytes of numbers in +-1 as integers of so many bits, at one end of containers of so many bytes."""
    integers = np.round(values * 2 ** (bits - 1)).astype(int)
    shifted = integers << (8 * container - bits if at_upper_end else 0)
    return b"".join(int(value).to_bytes(container, order, signed=True) for value in shifted)


CONTAINERS = [(12, 2), (16, 3), (20, 3), (16, 4), (20, 4), (24, 4), (31, 4), (9, 2)]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("bits", "container"), CONTAINERS)
@pytest.mark.parametrize("at_upper_end", [True, False], ids=["upper end", "lower end, as ALSA"])
def test_bits_that_do_not_fill_their_container(path, bits, container, at_upper_end, channels):
    values = sound(1000)
    values[:20] = 0  # nothing tells the ends apart yet
    data = containers(values, bits, container, at_upper_end)
    expected = (np.round(values * 2 ** (bits - 1)) / 2 ** (bits - 1)).astype(np.float32).reshape(-1, channels)
    for format_ in (fmt(PCM, bits, container, channels), fmt(PCM, 8 * container, container, channels, valid=bits)):
        np.testing.assert_array_equal(heard(path, wav(format_, data)), expected)


@pytest.mark.parametrize(("bits", "container"), [(12, 2), (20, 3), (24, 4), (20, 4)])
def test_scipy_reads_the_same(path, bits, container):
    wavfile = pytest.importorskip("scipy.io.wavfile")
    content = wav(fmt(PCM, bits, container, 2), containers(sound(600), bits, container, True))
    samples = heard(path, content)
    _, expected = wavfile.read(io.BytesIO(content))
    np.testing.assert_array_equal(samples, (expected / -float(np.iinfo(expected.dtype).min)).astype(np.float32))


def test_numbers_that_leave_the_lower_end_are_refused(path):
    values = np.concatenate([sound(40_000), sound(10)])
    data = containers(values[:40_000], 24, 4, False) + containers(values[40_000:], 24, 4, True)
    for read in (lambda: of_file(path, wav(fmt(PCM, 24, 4), data)), lambda: of_pipe(wav(fmt(PCM, 24, 4), data))):
        with pytest.raises(AscError, match="its first samples are 24-bit integer in 4 bytes, later"):
            read()


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize(
    "write",
    [
        wav, with_long_sizes, lambda format_, data: with_long_sizes(format_, data, magic=b"BW64"), wave64,
        lambda format_, data: with_long_sizes(format_, data, 2**63), lambda format_, data: wave64(format_, data, 2**63),
    ],
    ids=["RIFF", "RF64", "BW64", "Wave64", "RF64 of unknown length", "Wave64 of unknown length"],
)  # fmt: skip
def test_every_kind_of_wav_holds_the_same_samples(path, write, bits):
    data = containers(sound(), bits, bits // 8, True)
    expected = (np.round(sound() * 2 ** (bits - 1)) / 2 ** (bits - 1)).astype(np.float32)
    np.testing.assert_array_equal(heard(path, write(fmt(PCM, bits, channels=2), data)), expected.reshape(-1, 2))


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_big_endian_wav(path, bits):
    content = wav(
        fmt(PCM, bits, order=">"), containers(sound(), bits, bits // 8, True, "big"), magic=b"RIFX", order=">"
    )
    samples = heard(path, content)
    np.testing.assert_array_equal(samples, soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0])


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_floating_point(path, dtype):
    data = (3 * sound()).astype(dtype)
    samples = heard(path, wav(fmt(FLOAT, 8 * data.itemsize), data.tobytes()))
    np.testing.assert_array_equal(samples[:, 0], data.astype(np.float32))


# Lengths


@pytest.mark.parametrize("said", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids=hex)
def test_a_length_that_the_writer_did_not_know_means_to_the_end(path, said):
    data = containers(sound(), 16, 2, True)
    for rest in (b"", b"\1"):  # a writer that was killed may have begun another sample
        samples = heard(path, wav(fmt(PCM, 16), data + rest, said))
        np.testing.assert_array_equal(samples, heard(path, wav(fmt(PCM, 16), data)))


LIST = struct.pack("<4sI", b"LIST", 4) + b"INFO"


@pytest.mark.parametrize("behind", [b"", LIST], ids=["nothing", "LIST"])
def test_no_samples_are_no_samples(path, behind):
    content = wav(fmt(PCM, 16), b"", behind=behind)
    assert not [*SamplePipe(io.BytesIO(content), RATE_HZ)]
    with pytest.raises(AscError, match=f"^{path}: holds no samples"):
        of_file(path, content)


@pytest.mark.parametrize("length", [999, 1000])
def test_chunks_behind_the_samples_are_no_samples(path, length):
    data = np.random.default_rng(0).bytes(length)
    np.testing.assert_array_equal(heard(path, wav(fmt(PCM, 8), data, behind=LIST)), heard(path, wav(fmt(PCM, 8), data)))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda data: wav(fmt(PCM, 16), data)[:-1], "truncated, the header promises 2044 bytes and the file has 2043"),
        (lambda data: wav(fmt(PCM, 16), data, 0x7FFFEFFE), "truncated, the header promises 2147479594 bytes"),
        (lambda data: with_long_sizes(fmt(PCM, 16), data)[:-500], "truncated, the header promises 2080 bytes"),
        (lambda data: wave64(fmt(PCM, 16), data)[:-8], "truncated, the header promises 2136 bytes and .* 2128"),
        (lambda data: wav(fmt(MULAW, 8), data)[:-1], "truncated, the header promises 2044 bytes and the file has 2043"),
        (lambda data: wav(fmt(PCM, 16), data) * 2, r"has a second block of samples \(RIFF\); expected one"),
        (lambda data: wav(fmt(PCM, 16), data, behind=b"data\4\0\0\0abcd"), r"second block of samples \(data\)"),
        (lambda data: wav(fmt(PCM, 16), data, 10) + b"\1" * 2**20, "it promises 10 bytes of samples and 1050566 stand"),
        (lambda data: wav(fmt(PCM, 16, 1), data), "damaged WAV header, 1 channels of 16 in 16 bits in 1 bytes a frame"),
        (lambda data: wav(fmt(PCM, 16, channels=0), data), "damaged WAV header, 0 channels"),
        (lambda data: wav(fmt(PCM, 8, 2), data), "integer samples of 8 bits in 2 bytes; expected integers of 8 to 32"),
        (lambda data: wav(fmt(PCM, 40), data), "integer samples of 40 bits in 5 bytes; expected integers of 8 to 32"),
        (lambda data: wav(fmt(FLOAT, 16), data), "floating point samples of 16 bits in 2 bytes"),
        (lambda data: wav(fmt(PCM, 16, valid=24), data), "damaged WAV header, 1 channels of 24 in 16 bits in 2 bytes"),
        (lambda data: wav(fmt(PCM, 16)[:14], data), "damaged WAV header, the format of its samples missing"),
        (lambda data: wav(fmt(PCM, 16), data, before=b"fmt \x10\0\0\0" + fmt(PCM, 24)), "two formats of its samples"),
        (lambda data: wav(fmt(PCM, 16), data, before=b"\0\1\2\3\4\0\0\0abcd"), "a chunk .* of 4 bytes before the samp"),
        (lambda data: wav(fmt(PCM, 16), data, before=b"LIST\0\0\0\x10"), "a chunk b'LIST' of 268435456 bytes before"),
        (lambda data: b"RIFF\4\0\0\0AVI " + data, "is a RIFF file without WAVE; expected audio"),
        (lambda data: wav(fmt(PCM, 16), b"OggS" + data), "holds Ogg data; expected WAV samples"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_right_is_refused_in_a_sentence(path, write, message):
    with pytest.raises(AscError, match=message) as caught:
        of_file(path, write(containers(sound(), 16, 2, True)))
    assert str(caught.value).startswith(f"{path}: ") and str(caught.value).isprintable()


def test_a_tail_of_zeros_or_less_than_a_megabyte_that_is_no_chunk_is_ignored(path):
    content = wav(fmt(PCM, 16), containers(sound(), 16, 2, True))
    for tail in (b"\1" * 1000, bytes(2**21)):
        np.testing.assert_array_equal(of_file(path, content + tail), of_file(path, content))


GIB = 2**30


@pytest.mark.parametrize("behind", [0, 36], ids=["nothing", "chunk"])
@pytest.mark.parametrize("length", [4 * GIB, 4 * GIB + 96_000, 9 * GIB + 2, 5 * GIB - 4, 3 * GIB, GIB])
@pytest.mark.parametrize("kind", ["RIFF", "RF64", "Wave64"])
def test_samples_of_more_than_four_gigabytes_are_all_there(path, length, behind, kind):
    """A file with holes, whose header was written with the length modulo 2**32 where the field has 32 bits."""
    format_ = fmt(PCM, 16, channels=2)
    header = {
        "RIFF": lambda: wav(format_, b"", length % 2**32),
        "RF64": lambda: with_long_sizes(format_, b"", length),
        "Wave64": lambda: wave64(format_, b"", length),
    }[kind]()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + length)
        if behind:
            file.seek(0, 2)
            file.write(struct.pack("<4sI", b"LIST", behind - 8) + bytes(behind - 8))
    with AudioFile(path) as file:
        assert file.frames == length // 4


def test_a_length_field_that_wrapped_counts_from_what_stands_behind():
    header = WavHeader(RATE_HZ, 2, 4, None, (PCM, 16), 44, 384_000, 32)
    for gigabytes in (0, 4, 8):
        available = gigabytes * GIB + 384_000
        assert data_bytes(header, "x", b"", available, lambda position: b"") == available


def test_a_pipe_takes_its_header_for_true():
    header = WavHeader(RATE_HZ, 2, 4, None, (PCM, 16), 44, 384_000, 32)
    assert data_bytes(header, "x", b"abcd") == 384_000
