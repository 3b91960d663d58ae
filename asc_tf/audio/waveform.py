"""From an audio file to a mono waveform at the network's sample rate, whole or in blocks."""

import contextlib
import functools
import os

import numpy as np
import soxr

from asc_tf.audio.audio_file import AudioFile
from asc_tf.errors import AscError


def load_waveform(path: str | os.PathLike, sample_rate_hz: int) -> np.ndarray:
    """Decode, mix down to mono and resample one audio file.

    Training, evaluation and the runtime all read audio through this function: `AudioFile` lists the formats. Channels
    are averaged; soxr's "HQ" resampler follows if the rates differ.

    Args:
        path: of the file.
        sample_rate_hz: wanted rate in Hz.

    Returns:
        float32 waveform [samples] in +-1 (resampling may overshoot slightly).

    Raises:
        AscError: missing, empty, truncated or no audio file, a rate outside 1 to 768 kHz, or samples that cannot be
            sound in +-1.

    Examples:
        >>> import asc_tf
        >>> clips = asc_tf.read_clips("TAU")
        >>> waveform = asc_tf.load_waveform(f"TAU/{clips.filename[0]}", sample_rate_hz=16000)
        >>> waveform.dtype, waveform.ndim
        (dtype('float32'), 1)
    """
    with AudioFile(path) as file, enough_memory(path):
        try:
            waveform = np.empty(-(-file.frames * sample_rate_hz // file.sample_rate_hz) + 1, np.float32)
        except (MemoryError, ValueError):
            raise AscError(
                f"{path}: needs more memory than this machine has, {file.frames} samples by its header"
            ) from None
        length = 0
        for block in _resampled(file, path, sample_rate_hz):
            waveform[length : length + len(block)] = block
            length += len(block)
    return waveform[:length]


def waveform_blocks(path, sample_rate_hz):
    """The samples of `load_waveform` in blocks of any length [n], so that a long recording needs no more memory.

    The samples are the same bit for bit: soxr gives the same result for a stream as for the whole.
    """
    with AudioFile(path) as file:
        yield from _resampled(file, path, sample_rate_hz)


def _resampled(file, path, sample_rate_hz):
    resampler, read, given = MonoResampler(file.sample_rate_hz, sample_rate_hz), 0, 0
    for samples in file:
        read += len(samples)
        block = resampler.push(samples)
        given += len(block)
        yield block
    block = resampler.finish()
    yield block
    if given + len(block) == 0:
        raise AscError(
            f"{path}: is too short, {read} samples at {file.sample_rate_hz} Hz are none at {sample_rate_hz} Hz"
        )


@contextlib.contextmanager
def enough_memory(path):
    """Turn a lack of memory while a file is processed into one sentence."""
    try:
        yield
    except MemoryError:
        raise AscError(f"{path}: needs more memory than this machine has") from None


def audio_seconds(path: str | os.PathLike) -> float:
    """Length of an audio file in seconds, by decoding, since headers can be wrong. Raises as `load_waveform`."""
    with AudioFile(path) as file:
        return sum(map(len, file)) / file.sample_rate_hz


class MonoResampler:
    """Mixes down and resamples samples that come in pieces; the result does not depend on where they are cut.

    Args:
        from_hz: rate of the samples.
        to_hz: wanted rate.
    """

    def __init__(self, from_hz, to_hz):
        self._stream = None
        if from_hz != to_hz:
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")

    def push(self, samples):
        """Float32 [m] for the next float32 samples [n, channels]; m may be 0, since the resampler looks ahead."""
        mono = mixed_down(samples)
        return mono if self._stream is None else self._stream.resample_chunk(mono)

    def finish(self):
        """The samples that the resampler still held, float32 [m]."""
        end = np.zeros(0, np.float32)
        return end if self._stream is None else self._stream.resample_chunk(end, last=True)


def mixed_down(samples):
    """Mean of the channels of samples [n, channels], float32 [n]."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    # Adding whole channels gives the same as mean(axis=1), 30 times faster.
    return functools.reduce(np.add, samples.T) / np.float32(samples.shape[1])


def resample(waveform, from_hz, to_hz):
    """Resample a waveform [samples] with soxr "HQ" and return it as float32."""
    if from_hz != to_hz:
        waveform = soxr.resample(waveform, from_hz, to_hz, quality="HQ")
    return np.ascontiguousarray(waveform, dtype=np.float32)
