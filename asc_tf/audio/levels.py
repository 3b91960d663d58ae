"""Limits on sample levels: silence, and samples that cannot be sound in +-1."""

import numpy as np

from asc_tf.errors import AscError

# For floating point files. Mixes and decoders exceed 1 by some decibels; unscaled integers exceed this limit.
LARGEST_SAMPLE = 16.0
# A step of 16-bit samples, 2**-15, is -90.3 dBFS: a quieter recording holds at most its quantization noise.
SILENCE_DBFS = -90.0


def level_dbfs(waveform):
    """Level of a waveform [samples] in dB below a square wave of +-1, without the waveform's mean; -inf for a constant.

    A constant is no sound, and 8-bit files often store silence as a constant.
    """
    deviation = float(np.std(waveform, dtype=np.float64)) if len(waveform) else 0.0
    return 20 * np.log10(deviation) if deviation > 0 else -np.inf


def is_silent(waveform):
    """Whether there is nothing to hear in a waveform [samples] after mixing down: a level below SILENCE_DBFS."""
    return level_dbfs(waveform) < SILENCE_DBFS


def unusable(samples):
    """Which samples cannot be sound in +-1: bool, of the shape of the samples."""
    return ~(np.abs(samples) <= LARGEST_SAMPLE)  # NaN too


def check_levels(samples, name, first=0):
    """Refuse samples [n, channels] that cannot be sound in +-1.

    Args:
        samples: float32.
        name: of the file or stream.
        first: position of the first sample in the file or stream.

    Raises:
        AscError: a sample that is not finite or far beyond 1; the message names the sample.
    """
    if len(samples) and max(samples.max(), -samples.min()) <= LARGEST_SAMPLE:  # refuses NaN
        return
    bad = unusable(samples)
    if bad.any():
        frame = int(np.argmax(bad.any(axis=1)))
        raise AscError(f"{name}: {level_sentence(samples[frame][bad[frame]][0], first + frame)}")


def level_sentence(sample, number):
    """The fault of a sample that is `unusable`."""
    if not np.isfinite(sample):
        return f"sample {number} is {sample}, which is not a finite number; expected +-1"
    return f"sample {number} is {sample:g}; expected +-1 (integers are to be divided by their largest)"
