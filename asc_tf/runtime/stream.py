"""Scenes from a continuous stream: windows that slide over a ring buffer, with smoothed probabilities."""

from dataclasses import dataclass

import numpy as np

from asc_tf.audio.levels import is_silent, level_sentence, unusable
from asc_tf.audio.wav_header import check_rate
from asc_tf.audio.waveform import MonoResampler
from asc_tf.errors import AscError
from asc_tf.runtime.answer import scene_of


@dataclass(frozen=True)
class Heard:
    """The answer for one window.

    Args:
        seconds: from the start of the stream to the window's end.
        scene: the most likely scene; SILENCE if the window is silent; UNCERTAIN if no scene reaches the classifier's
            threshold (`Classifier.uncertain_below`).
        confidence: smoothed probability of the most likely scene, 0 for silence.
        probabilities: of all scenes [classes], smoothed; 0 for silence.
    """

    seconds: float
    scene: str
    confidence: float
    probabilities: np.ndarray


class SceneStream:
    """Classify a stream of samples, a window every hop.

        p_k = (1 - s) * p_k-1 + s * q_k,   p_0 = q_0

    with q_k the network's probabilities of the window that ends k hops after the first full one. The results depend on
    the samples alone, not on the size of the pieces. Silence restarts the smoothing.

    Args:
        classifier: a `Classifier`.
        hop_seconds: step from window to window.
        smoothing: s, share of the new window, more than 0 up to 1; 1 does not smooth.
        sample_rate_hz: of the samples; None means the network's. Other rates are resampled as files are (soxr "HQ").
        channels: number of channels, which are averaged.
        report: called with a line about samples that cannot be sound; no window includes them, and the next window
            begins after them. None raises an error at such samples.

    Attributes:
        windows: number of full windows so far.

    Raises:
        AscError: an argument is out of range.
    """

    def __init__(self, classifier, hop_seconds=1.0, smoothing=0.5, sample_rate_hz=None, channels=1, report=None):
        rate = classifier.sample_rate_hz if sample_rate_hz is None else sample_rate_hz
        self._hop = round(hop_seconds * classifier.sample_rate_hz) if 0 < hop_seconds < 86_400 else 0
        if self._hop < 1:
            raise AscError(f"hop_seconds is {hop_seconds:g}; expected more than 0 and less than a day")
        if not 0 < smoothing <= 1:
            raise AscError(f"smoothing is {smoothing:g}; expected more than 0, up to 1")
        check_rate(rate, "the stream")
        self._classifier, self._smoothing, self._channels, self._rate = classifier, smoothing, channels, rate
        self._report, self._to_be_reported = report, True
        self._ring = np.zeros(classifier.samples, np.float32)
        self._taken = 0  # frames so far, including those left out
        self.windows = 0
        self._start()

    def _start(self):
        """Begin with an empty window at the present position of the stream."""
        self._resampler = None
        self._count = round(self._taken * self._classifier.sample_rate_hz / self._rate)  # samples at the network's rate
        self._due = self._count + len(self._ring)  # sample count at which the next window is full
        self._smoothed = None

    @property
    def seconds(self):
        """Length of the stream so far, as far as the resampler has processed it."""
        return self._count / self._classifier.sample_rate_hz

    def push(self, samples):
        """Take the next samples, [n] or [n, channels], floating point in +-1; returns a list of `Heard`.

        Raises:
            AscError: integers, another number of channels, or samples that cannot be sound, without `report`.
        """
        samples = np.asarray(samples)
        if samples.ndim == 1:
            samples = samples[:, np.newaxis]
        if samples.ndim != 2 or samples.shape[1] != self._channels or samples.dtype.kind != "f":
            raise AscError(
                f"a stream got {samples.dtype} samples of shape {samples.shape}; "
                f"expected floating point in +-1, {self._channels} channel(s)"
            )
        bad = unusable(samples)
        if not bad.any():
            return self._take(samples)
        return self._take_around(samples, bad)

    def finish(self):
        """End the stream: a list of `Heard` for the samples left in the resampler, usually empty."""
        return self._slide(self._resampler.finish()) if self._resampler else []

    def _take_around(self, samples, bad):
        """Take the usable ones of samples [n, channels]; a window that a bad sample interrupts is given up."""
        results, first = [], 0
        for place in np.flatnonzero(bad.any(axis=1)):
            if first == 0 or place - first >= len(self._ring) * self._rate // self._classifier.sample_rate_hz:
                results += self._take(samples[first:place])
            else:  # too few for a window
                self._taken += place - first
            self._say(samples[place][bad[place]][0])
            self._taken, first = self._taken + 1, place + 1
            self._start()
        return results + self._take(samples[first:])

    def _say(self, sample):
        """Report the first of several bad samples without a full window between them."""
        sentence = f"a stream got a sample that cannot be sound, {level_sentence(sample, self._taken)}"
        if self._report is None:
            raise AscError(sentence)
        if self._to_be_reported:
            self._report(f"{sentence}; the next window begins behind it, after {self._taken / self._rate:.1f} s")
            self._to_be_reported = False

    def _take(self, samples):
        if self._resampler is None:
            self._resampler = MonoResampler(self._rate, self._classifier.sample_rate_hz)
        self._taken += len(samples)
        return self._slide(self._resampler.push(samples.astype(np.float32, copy=False)))

    def _slide(self, mono):
        """Move the window over new samples at the network's rate."""
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
        self.windows, self._to_be_reported = self.windows + 1, True
        window = np.roll(self._ring, -(self._count % len(self._ring)))
        if is_silent(window):
            self._smoothed = None
            return self._answer(np.zeros(len(self._classifier.labels), np.float32))
        found = self._classifier.window_probabilities(window)
        if self._smoothed is not None:
            found = (1 - self._smoothing) * self._smoothed + self._smoothing * found
        self._smoothed = found
        return self._answer(found.copy())

    def _answer(self, probabilities):
        scene, confidence = scene_of(self._classifier.labels, probabilities, self._classifier.uncertain_below)
        return Heard(self.seconds, scene, confidence, probabilities)
