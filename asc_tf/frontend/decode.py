"""From an audio file to a mono waveform at the rate a network wants. Needs no TensorFlow."""

import struct
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asc_tf.errors import AscError


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
        AscError: missing, empty, truncated or no audio file, or samples that are not finite.
    """
    samples, rate = read_audio(path)
    waveform = resample(samples.mean(axis=1), rate, sample_rate_hz)
    if len(waveform) == 0:
        raise AscError(f"{path}: too short, {len(samples)} samples at {rate} Hz are none at {sample_rate_hz} Hz")
    return waveform


def resample(waveform, from_hz, to_hz):
    """Resample a waveform [samples] with soxr "HQ" and return it as float32."""
    if from_hz != to_hz:
        waveform = soxr.resample(waveform, from_hz, to_hz, quality="HQ")
    return np.ascontiguousarray(waveform, dtype=np.float32)


def audio_seconds(path):
    """Length of an audio file in seconds, from its header. Raises as `load_waveform`."""
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError):
        samples, rate = read_audio(path)  # says what is wrong with it
        return len(samples) / rate
    return info.frames / info.samplerate


def read_audio(path):
    """Read all of a file: (float32 samples [samples, channels], rate in Hz). Raises as `load_waveform`."""
    path = Path(path)
    _check_is_whole(path)
    try:
        with soundfile.SoundFile(path) as file:
            expected = file.frames
            if expected == _UNKNOWN_LENGTH:
                raise AscError(f"{path}: is a stream of unknown length; expected a header that says its length")
            samples = file.read(dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AscError(f"{path}: cannot be decoded as audio ({_reason(error)})") from error
    except MemoryError:
        raise AscError(f"{path}: the header promises {expected} samples, more than the memory holds") from None
    if len(samples) == 0:
        raise AscError(f"{path}: holds no audio samples")
    if len(samples) < expected:
        raise AscError(f"{path}: truncated, {len(samples)} of {expected} samples could be decoded")
    finite = np.isfinite(samples).all(axis=1)
    if not finite.all():
        raise AscError(f"{path}: sample {int(np.argmin(finite))} is not a finite number")
    return samples, rate


_UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's, for FLAC that was encoded into a pipe; it fails to read such a file


def _reason(error):
    return getattr(error, "error_string", str(error)).strip().rstrip(".")


def _check_is_whole(path):
    """Refuse what libsndfile would read without a word: a missing tail of a WAV file."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise AscError(f"{path}: is not a file; expected an audio file")
        if size == 0:
            raise AscError(f"{path}: the file is empty")
        with path.open("rb") as file:
            declared = _declared_wav_end(file)
    except FileNotFoundError:
        raise AscError(f"{path}: no such audio file") from None
    except OSError as error:
        raise AscError(f"{path}: cannot be read ({error.strerror})") from error
    if declared is not None and declared > size:
        raise AscError(f"{path}: truncated, the header promises {declared} bytes and the file has {size}")


def _declared_wav_end(file):
    """Where the data chunk of a RIFF WAV ends by its header; None if unknown or not such a file."""
    if file.read(4) != b"RIFF":
        return None
    file.seek(12)
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            # Writers to a pipe cannot know the length: they leave 0 or 2 GB and more (arecord 0x80000000, others less
            # by a block, or 0xFFFFFFFF).
            return None if length == 0 or length >= 0x7FFFF000 else file.tell() + length
        file.seek(length + length % 2, 1)
    return None
