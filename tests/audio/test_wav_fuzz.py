"""Thousands of damaged WAV files: each is refused in a sentence or read exactly as soundfile and soxr read it.

From a pipe they are read as from a file. SciPy takes soundfile's part where containers are wider than their samples.

The files are decoded in a process of their own (this file, run as a script), so that a crash, a hang or a huge
allocation is a failed test and not the end of the test run.
"""

import io
import random
import resource
import signal
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
import soxr

from asc_tf.audio import AudioFile, load_waveform
from asc_tf.audio.wav_header import MAGICS, read_wav_header
from asc_tf.errors import AscError
from asc_tf.runtime.pipe import SamplePipe

RATE_HZ = 16000
FRAMES = 151
SECONDS_A_FILE = 20
MEMORY_BYTES = 2 << 30
EXTREME_FIELDS = (
    *(bytes([value]) for value in (0, 255)),
    *(struct.pack("<H", value) for value in (0, 1, 7, 32, 1000, 1025, 2**15, 2**16 - 1)),
    *(struct.pack("<I", value) for value in (0, 2, 999, 192000, 768001, 2**31 - 1, 2**31, 4 * 10**9, 2**32 - 1)),
)
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def fmt(tag, channels, rate_hz, bits, extension=b""):
    block = channels * bits // 8
    return struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block, block, bits) + extension


def valid_files():
    """Name: chunks [(name, content), ...] of small WAV files that hold noise."""
    generator = np.random.default_rng(0)
    integers = generator.integers(0, 256, FRAMES * 6, np.uint8).tobytes()
    floats = generator.uniform(-1, 1, FRAMES).astype("<f4").tobytes()
    extension = struct.pack("<HHI", 22, 24, 4) + PCM_GUID
    mono_24 = [(b"fmt ", fmt(1, 1, 44100, 24)), (b"data", integers[: FRAMES * 3])]
    return {
        "16-bit": [(b"fmt ", fmt(1, 1, RATE_HZ, 16)), (b"data", integers[: FRAMES * 2])],
        "24-bit": mono_24,
        "24-bit stereo": [(b"fmt ", fmt(1, 2, RATE_HZ, 24)), (b"data", integers)],
        "float": [(b"fmt ", fmt(3, 1, RATE_HZ, 32)), (b"fact", struct.pack("<I", FRAMES)), (b"data", floats)],
        "extensible": [(b"fmt ", fmt(0xFFFE, 1, RATE_HZ, 24, extension)), (b"data", integers[: FRAMES * 3])],
        "LIST": [(b"LIST", b"INFOISFT\x06\0\0\0Lavf60"), *mono_24],
        "odd chunk": [mono_24[0], (b"note", b"odd"), mono_24[1]],
    }


def wav(chunks, lengths=None):
    """The file's bytes; `lengths`: {index of a chunk: the length that its header says}."""
    content = b"WAVE"
    for index, (name, data) in enumerate(chunks):
        length = (lengths or {}).get(index, len(data))
        content += struct.pack("<4sI", name, length) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def mutations():
    """Yield (what was done, the file's bytes, whether data are missing for certain)."""
    generator = random.Random(0)
    for name, chunks in valid_files().items():
        whole = wav(chunks)
        data_end = len(whole) - len(chunks[-1][1]) % 2
        data_start = data_end - len(chunks[-1][1])
        yield f"{name} whole", whole, False
        yield f"{name} without padding", whole[:data_end], False
        cuts = generator.sample(range(data_start, data_end - 1), 100)
        for length in [*range(1, data_start), *sorted(cuts), data_end - 1]:
            yield f"{name} cut to {length} bytes", whole[:length], True
        for position in range(data_start):
            neighbours = bytes([(whole[position] + 1) % 256]), generator.randbytes(1)
            for field in (*EXTREME_FIELDS, *neighbours):
                yield f"{name} at {position} {field}", overwritten(whole, position, field), False
        for index, (chunk, data) in enumerate(chunks):
            yield f"{name} without {chunk}", wav(chunks[:index] + chunks[index + 1 :]), False
            yield f"{name} twice {chunk}", wav(chunks[:index] + [chunks[index]] + chunks[index:]), False
            yield f"{name} {chunk} again at the end", wav([*chunks, chunks[index]]), False
            yield f"{name} {chunk} first", wav([chunks[index], *chunks[:index], *chunks[index + 1 :]]), False
            yield f"{name} {chunk} empty", wav(chunks[:index] + [(chunk, b"")] + chunks[index + 1 :]), False
            n = len(data)
            for length in (0, 1, 2, n - 2, n - 1, n + 1, n + 2, 2 * n, 2**31 - 4096, 2**31, 2**32 - 8, 2**32 - 1):
                yield f"{name} {chunk} said to be {length} bytes", wav(chunks, {index: length}), False
        second = wav([(b"data", b"ab")])[12:]
        for tail in (b"\0", bytes(64), b"text at the end", whole, generator.randbytes(50), second):
            yield f"{name} and {tail[:8]}", whole + tail, False
        tail = wav([*chunks, (b"data", chunks[-1][1][::-1])])
        yield f"{name} and other data", tail, False
        yield f"{name} and half of other data", tail[: -len(chunks[-1][1]) // 2], True
        for trial in range(100):
            content = whole
            for _ in range(generator.randint(2, 6)):
                content = overwritten(content, generator.randrange(data_start), generator.randbytes(1))
            yield f"{name} sprayed {trial}", content, False
    for bits in (8, 16, 24, 32):
        for channels in (0, 1, 2, 7, 8, 1024, 1025, 8191):
            data = generator.randbytes(3 * channels * bits // 8)
            for tail in (b"", b"a"):
                chunks = [(b"fmt ", fmt(1, channels, RATE_HZ, bits)), (b"data", data + tail)]
                yield f"{channels} channels of {bits} bits {tail}", wav(chunks), False


def overwritten(content, position, replacement):
    return content[:position] + replacement + content[position + len(replacement) :]


def expected(path):
    """(What soundfile reads [samples, channels], its rate), or None twice."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None, None
    bad = not len(samples) or not np.abs(samples).max() <= 16 or not 1000 <= rate_hz <= 768000
    return (None, None) if bad else (samples, rate_hz)


def as_meant(content):
    """The file with its fields set to what they mean where libsndfile takes them otherwise."""
    at = content.rfind(b"data") + 4
    if content[at : at + 4] == bytes(4):  # a length that the writer did not know
        content = content[:at] + struct.pack("<I", len(content) - at - 4) + content[at + 4 :]
    # libsndfile gives up over damage inside such chunks.
    return content.replace(b"LIST", b"JUNK").replace(b"fact", b"JUNK")


def by_scipy(content):
    """What SciPy reads of integers that do not fill their containers, which libsndfile takes for others."""
    at, start = content.find(b"fmt ") + 8, content.find(b"data") + 8
    _, channels, rate_hz, _, block, bits = struct.unpack("<HHIIHH", content[at : at + 16])
    data = content[start : start + int.from_bytes(content[start - 4 : start], "little")]
    plain = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block, block, bits)
    content = wav([(b"fmt ", plain), (b"data", data[: len(data) // block * block])])
    rate_hz, samples = scipy.io.wavfile.read(io.BytesIO(content))
    samples = (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    return samples.reshape(len(samples), -1), rate_hz


def adds_up(content):
    """Whether the chunks lead to the samples and the frames are as long as their samples need."""
    at = content.find(b"fmt ") + 8
    if at < 8 or len(content) < at + 16:
        return False
    _, channels, _, _, block, bits = struct.unpack("<HHIIHH", content[at : at + 16])
    position = 12
    while (name := content[position : position + 4]) != b"data":
        if not name.isascii() or len(content) < position + 8:
            return False
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
    return block == channels * -(-bits // 8)


def promises_more(content):
    """Whether some data chunk's length reaches beyond the file."""
    starts = [at + 8 for at in range(len(content)) if content[at : at + 4] == b"data"]
    return any(start + int.from_bytes(content[start - 4 : start], "little") > len(content) for start in starts)


def in_file(path):
    """(Samples or None, their rate, the sentence or "")."""
    try:
        with AudioFile(path) as file:
            return np.concatenate([block.copy() for block in file]), file.sample_rate_hz, ""
    except AscError as error:
        return None, None, str(error)


def in_pipe(content):
    try:
        return np.concatenate([*SamplePipe(io.BytesIO(content), RATE_HZ)])
    except (AscError, ValueError):  # ValueError: no samples at all
        return None


# What a file is refused for and a pipe is not: there samples are looked at later, and the end is not seen.
NOT_IN_PIPES = "has a second block of samples", "stand behind", "holds no audio", "expected +-1"


def check(path, content, is_short):
    path.write_bytes(content)
    found, rate_hz, sentence = in_file(path)
    samples, expected_hz = expected(path)
    if found is None:
        assert sentence.startswith(f"{path}: ") and sentence.isprintable(), sentence
        if "truncated" in sentence:
            assert promises_more(content), sentence
        elif "has a second block of samples" in sentence:
            assert content.count(b"data") > 1 or content.count(b"RIFF") > 1, sentence
        elif samples is not None:  # libsndfile shuts an eye
            assert not adds_up(content) or "may be missing unseen" in sentence, sentence
    else:
        assert not is_short, f"{len(found)} samples of a file that was cut"
        if samples is None:
            path.write_bytes(as_meant(content))
            samples, expected_hz = expected(path)
        elif not adds_up(content) and samples.shape != found.shape:
            samples, expected_hz = by_scipy(content)
        assert found.dtype == np.float32 and rate_hz == expected_hz
        np.testing.assert_array_equal(found, samples)
        if rate_hz < 2**17:
            check_waveform(path, found, rate_hz)
    if content[:4] in MAGICS:
        piped = in_pipe(content)
        if found is not None and piped is not None:
            np.testing.assert_array_equal(piped, found)
        elif found is not None:
            assert is_coded(content), "refused in a pipe"
        else:
            assert piped is None or any(words in sentence for words in NOT_IN_PIPES), sentence
    return "refused" if found is None else "read"


def check_waveform(path, samples, rate_hz):
    """Mixing down and resampling block by block is what NumPy and soxr do with the whole."""
    mono = samples.mean(axis=1)
    mono = mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    if len(mono):
        # Eight and more channels: numpy's mean adds pairs.
        atol = 0 if samples.shape[1] < 8 else 1e-6
        np.testing.assert_allclose(load_waveform(path, RATE_HZ), mono, rtol=0, atol=atol)


def is_coded(content):
    """Whether the samples are of a codec, which files have and pipes do not."""
    header = read_wav_header(io.BytesIO(content).read, "x")
    return header.format is None


@pytest.mark.slow
def test_a_damaged_wav_file_is_refused_in_a_sentence_or_read_as_soundfile_reads_it(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "clip.wav")], capture_output=True, text=True, timeout=300
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"{lines[-1:]} status {done.returncode}\n{done.stderr[-3000:]}"
    counts = dict(line.split() for line in lines[-2:])
    assert int(counts["refused"]) >= 1000 and int(counts["read"]) >= 1000, counts


def main(path):
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    counts = {"refused": 0, "read": 0}
    for index, (name, content, is_short) in enumerate(mutations()):
        print(index, name, flush=True)
        signal.alarm(SECONDS_A_FILE)
        counts[check(path, content, is_short)] += 1
    for outcome, count in counts.items():
        print(outcome, count)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
