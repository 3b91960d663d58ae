"""Scenes from sound that keeps coming: windows that slide over a ring buffer, with smoothed probabilities."""

import functools
from dataclasses import dataclass

import numpy as np
import soxr

from asc_tf.errors import AscError
from asc_tf.frontend.decode import HIGHEST_RATE_HZ, LOWEST_RATE_HZ


@dataclass(frozen=True)
class Heard:
    """What one window says.

    Args:
        seconds: from the start of the stream to the window's end.
        scene: the most likely one; None if the window is digital silence, in which there is nothing to hear.
        confidence: its smoothed probability.
        probabilities: of all scenes [classes], smoothed.
    """

    seconds: float
    scene: str | None
    confidence: float
    probabilities: np.ndarray


class SceneStream:
    """Classify a stream of samples, a window every hop.

        p_k = (1 - s) * p_k-1 + s * q_k,   p_0 = q_0

    with q_k the network's probabilities of the window that ends k hops after the first full one. The results depend
    on the samples alone, not on how they are cut into pieces. Silence (nothing but zeros) starts the smoothing anew.

    Args:
        classifier: a `Classifier`.
        hop_seconds: step from window to window.
        smoothing: s, share of the new window, more than 0 up to 1; 1 does not smooth.
        sample_rate_hz: of the samples; None is the network's. Others are resampled as files are (soxr "HQ").
        channels: of the samples; they are averaged.

    Raises:
        AscError: an argument is out of range.
    """

    def __init__(self, classifier, hop_seconds=1.0, smoothing=0.5, sample_rate_hz=None, channels=1):
        rate = classifier.sample_rate_hz if sample_rate_hz is None else sample_rate_hz
        self._hop = round(hop_seconds * classifier.sample_rate_hz) if 0 < hop_seconds < 86_400 else 0
        if self._hop < 1:
            raise AscError(f"a hop of {hop_seconds:g} s cannot be; expected more than 0 and less than a day")
        if not 0 < smoothing <= 1:
            raise AscError(f"a smoothing of {smoothing:g} cannot be; expected more than 0, up to 1")
        if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            raise AscError(
                f"a sample rate of {rate} Hz cannot be right; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
            )
        self._classifier, self._smoothing, self._channels = classifier, smoothing, channels
        self._resampler = None
        if rate != classifier.sample_rate_hz:
            self._resampler = soxr.ResampleStream(rate, classifier.sample_rate_hz, 1, dtype="float32", quality="HQ")
        self._ring = np.zeros(classifier.samples, np.float32)
        self._count = 0  # samples at the network's rate so far
        self._due = classifier.samples  # count at which the next window is full
        self._smoothed = None

    @property
    def seconds(self):
        """Length of the stream so far, as far as it has gone through the resampler."""
        return self._count / self._classifier.sample_rate_hz

    def push(self, samples):
        """Take the next samples, [n] or [n, channels], floating point in +-1; returns a list of `Heard`.

        Raises:
            AscError: integers, another number of channels, or samples that are not finite.
        """
        samples = np.asarray(samples)
        if samples.ndim == 1:
            samples = samples[:, np.newaxis]
        if samples.ndim != 2 or samples.shape[1] != self._channels or samples.dtype.kind != "f":
            raise AscError(
                f"a stream got {samples.dtype} samples of shape {samples.shape}; "
                f"expected floating point in +-1, {self._channels} channel(s)"
            )
        if not np.isfinite(samples).all():
            raise AscError(f"a stream got a sample that is not finite after {self.seconds:.1f} s")
        mono = functools.reduce(np.add, samples.astype(np.float32).T)
        return self._take(mono if self._channels == 1 else mono / np.float32(self._channels))

    def finish(self):
        """End the stream: a list of `Heard` for what the resampler still held, usually empty."""
        return self._take(np.zeros(0, np.float32), last=True)

    def _take(self, mono, last=False):
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono, last=last)
        results = []
        while len(mono):
            position = self._count % len(self._ring)
            length = min(len(mono), self._due - self._count, len(self._ring) - position)
            self._ring[position : position + length] = mono[:length]
            mono = mono[length:]
            self._count += length
            if self._count == self._due:
                self._due += self._hop
                results.append(self._hear())
        return results

    def _hear(self):
        labels = self._classifier.labels
        window = np.roll(self._ring, -(self._count % len(self._ring)))
        if not window.any():
            self._smoothed = None
            return Heard(self.seconds, None, 0.0, np.zeros(len(labels), np.float32))
        found = self._classifier.window_probabilities(window)
        if self._smoothed is not None:
            found = (1 - self._smoothing) * self._smoothed + self._smoothing * found
        self._smoothed = found
        best = int(found.argmax())
        return Heard(self.seconds, labels[best], float(found[best]), found.copy())
