"""From an audio file to a mono waveform at the rate a network wants. Needs no TensorFlow."""

import functools
import re
import stat
import struct
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asc_tf.errors import AscError

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000  # a header outside is damaged and would resample to absurd lengths
LARGEST_SAMPLE = 2.0**31  # of floating point files, where some writers do not scale integers; more overflows later


def load_waveform(path, sample_rate_hz):
    """Decode, mix down to mono and resample one audio file.

    Training, evaluation and the runtime all read audio through this function. Any format of libsndfile: WAV
    of 8, 16, 24 or 32 bits or floating point, FLAC, OGG, AIFF, MP3. Channels are averaged; soxr's "HQ" resampler
    follows where the rates differ.

    Args:
        path: of the file.
        sample_rate_hz: wanted rate in Hz.

    Returns:
        float32 waveform [samples] in +-1 (resampling may overshoot slightly).

    Raises:
        AscError: missing, empty, truncated or no audio file, a rate outside 1 to 768 kHz, or samples that are not
            finite.
    """
    samples, rate = read_audio(path)
    channels = samples.shape[1]
    # Adding whole channels gives what mean(axis=1) gives, 30 times faster.
    mono = samples[:, 0] if channels == 1 else functools.reduce(np.add, samples.T) / channels
    waveform = resample(mono, rate, sample_rate_hz)
    if len(waveform) == 0:
        raise AscError(f"{path}: too short, {len(samples)} samples at {rate} Hz are none at {sample_rate_hz} Hz")
    return waveform


def resample(waveform, from_hz, to_hz):
    """Resample a waveform [samples] with soxr "HQ" and return it as float32."""
    if from_hz != to_hz:
        waveform = soxr.resample(waveform, from_hz, to_hz, quality="HQ")
    return np.ascontiguousarray(waveform, dtype=np.float32)


def audio_seconds(path):
    """Length of an audio file in seconds. It decodes the file, since headers lie. Raises as `load_waveform`."""
    samples, rate = read_audio(path)
    return len(samples) / rate


def read_audio(path):
    """Read all of a file: (float32 samples [samples, channels], rate in Hz). Raises as `load_waveform`.

    WAV files of 16 or 24 bits, the format of the big data sets, are converted here and all others by libsndfile:
    the same samples bit for bit, 10 s of 44.1 kHz in 24 bits in a quarter of libsndfile's time.
    """
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AscError(f"{path}: is not a file; expected an audio file")
        if status.st_size == 0:
            raise AscError(f"{path}: the file is empty")
        samples, rate = _read_plain_wav(path, status.st_size) or _read_any(path)
    except FileNotFoundError:
        raise AscError(f"{path}: no such audio file") from None
    except OSError as error:
        raise AscError(f"{path}: cannot be read ({error.strerror})") from error
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise AscError(
            f"{path}: a sample rate of {rate} Hz cannot be right; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )
    return samples, rate


# Writers to a pipe cannot know the length: they leave 0 or 2 GB and more (arecord 0x80000000, others less by a block,
# or 0xFFFFFFFF).
UNKNOWN_BYTES = 0x7FFFF000
_UNKNOWN_SAMPLES = 2**63 - 1  # libsndfile's, for FLAC that was encoded into a pipe; it fails to read such a file
_BLOCK = 1 << 16  # samples converted at once: they stay in the processor's cache


def _read_plain_wav(path, size):
    """As `read_audio` for 16 and 24-bit PCM whose data end the file; None for all that libsndfile is to judge."""
    with path.open("rb") as file:
        fmt, start, length = _find_wav_data(file)
        if not 0 < length < UNKNOWN_BYTES:
            return None
        if start + length > size:
            raise _truncated(path, start + length, size)
        if len(fmt) != 16:
            return None
        tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", fmt)
        if tag != 1 or bits not in (16, 24) or block != channels * bits // 8 or not 1 <= channels <= 1024:
            return None
        if length % block or start + length + length % 2 < size or file.read(4) in (b"wvpk", b"OggS"):
            return None
        file.seek(start)
        samples = _empty(path, length // block, channels)
        if not _read_integers(file, bits // 8, samples.reshape(-1)):
            raise _truncated(path, start + length, file.tell())
    return samples, rate


def _find_wav_data(file):
    """Walk the chunks of a RIFF WAV up to the data, where the file's position is then.

    Returns:
        The first 16 bytes of the fmt chunk (of all such chunks in a row, should there be several), where the data
        start and their length in bytes by the header: 0 if the file is no RIFF WAV or no data were found.
    """
    magic = file.read(12)
    fmt, position = b"", 12
    while magic[:4] == b"RIFF" and magic[8:] == b"WAVE" and len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            return fmt, position + 8, length
        if not all(0x20 <= byte < 0x7F for byte in name):
            break  # not a chunk: libsndfile may find its way
        if name == b"fmt ":
            fmt += file.read(min(length, 16))
        position = file.seek(position + 8 + length + length % 2)
    return fmt, 0, 0


def _read_integers(file, width, out):
    """Fill `out` [values], float32, with little-endian integers of `width` bytes as +-1; False if there are less."""
    # Seen as 32-bit integers that overlap, `width` bytes apart: the lower bytes are the preceding value's, and go.
    guard = 4 - width
    raw = memoryview(bytearray(guard + width * min(_BLOCK, len(out))))
    for first in range(0, len(out), _BLOCK):
        part = out[first : first + _BLOCK]
        if file.readinto(raw[guard : guard + width * len(part)]) < width * len(part):
            return False
        part[:] = np.ndarray(len(part), "<i4", raw, strides=(width,)) >> 8 * guard
        part *= 2.0 ** (1 - 8 * width)
    return True


def _read_any(path):
    """As `read_audio`, by libsndfile."""
    try:
        with soundfile.SoundFile(path) as file:
            expected, rate, log = file.frames, file.samplerate, file.extra_info
            if expected == _UNKNOWN_SAMPLES:
                raise AscError(f"{path}: is a stream of unknown length; expected a header that says its length")
            _check_is_whole(path, log)
            samples = file.read(out=_empty(path, expected, file.channels))
            integers = file.subtype.startswith("PCM_")
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:  # TypeError: the file's name ends in .raw
        raise AscError(f"{path}: cannot be decoded as audio ({_reason(error)})") from error
    if len(samples) == 0:
        raise AscError(f"{path}: holds no audio samples")
    if len(samples) < expected:
        raise AscError(f"{path}: truncated, {len(samples)} of {expected} samples could be decoded")
    if not integers and not max(samples.max(), -samples.min()) <= LARGEST_SAMPLE:  # refuses NaN too
        bad = ~(np.abs(samples) <= LARGEST_SAMPLE)
        raise AscError(f"{path}: sample {int(np.argmax(bad.any(axis=1)))} is not a finite number within +-2**31")
    return samples, rate


def _check_is_whole(path, log):
    """Refuse what libsndfile would read with nothing but a line in its log: a missing tail of the data."""
    for promised, found in re.findall(r"(?:data|SSND|BODY|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", log):
        if int(promised) > int(found) and not UNKNOWN_BYTES <= int(promised) <= 0xFFFFFFFF:
            raise _truncated(path, promised, found)


def _truncated(path, promised, found):
    return AscError(f"{path}: truncated, the header promises {promised} bytes and the file has {found}")


def _empty(path, length, channels):
    try:
        return np.empty((length, channels), np.float32)
    except (MemoryError, ValueError):
        raise AscError(f"{path}: the header promises {length} samples, more than the memory holds") from None


def _reason(error):
    return getattr(error, "error_string", str(error)).strip().rstrip(".")
