"""The training frontends in numpy, for files that take features.

They agree with the Keras layers to 1e-4 within 70 dB of the loudest bin of a frame. Further down both round, each in
its own way: they work in single precision (NumPy 1.26, whose Fourier transform has double only, in double).
"""

import numpy as np

from asc_tf.errors import AscError
from asc_tf.frontend.mel import bands_of, frame_lengths, kaldi_edges_hz, kaldi_filterbank, mel_edges_hz, mel_filterbank

_DECIBELS_PER_NEPER = 10 / np.log(10)  # of a natural logarithm of power
_BLOCK = 16  # frames transformed at once: a block fits into the processor's cache
_NUMBERS = np.fft.rfft(np.zeros(2, np.float32)).real.dtype  # of NumPy's Fourier transform of single precision


class NumpyMel:
    """`MelSpectrogram` in numpy: a waveform [samples] to power [frequency, time, 1], float32.

    Args:
        sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz: of `MelSpectrogram`.

    Raises:
        ValueError: as for `MelSpectrogram`.
    """

    _filterbank, _edges_hz = staticmethod(mel_filterbank), staticmethod(mel_edges_hz)
    _periodic_window = True
    decibels_per_unit = None  # of the features, where they are a logarithm of power

    def __init__(self, sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz):
        self._window, self._hop, self._fft = frame_lengths(sample_rate_hz, window_ms, hop_ms)
        self._mel_bins = mel_bins
        self.hop_seconds = self._hop / sample_rate_hz
        self.edges_hz = self._edges_hz(sample_rate_hz, mel_bins, low_hz, high_hz)
        self._bands = [
            (low, high, weights.astype(_NUMBERS))
            for low, high, weights in bands_of(self._filterbank(sample_rate_hz, self._fft, mel_bins, low_hz, high_hz))
        ]
        period = self._window if self._periodic_window else self._window - 1
        self._hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self._window) / period)).astype(np.float32)

    def feature_shape(self, samples):
        """(frequency, time, 1) for a waveform of so many samples."""
        return self._mel_bins, self._frames(samples), 1

    def __call__(self, waveform):
        frames = np.lib.stride_tricks.sliding_window_view(self._padded(waveform), self._window)[:: self._hop]
        mel = np.empty((self._frames(len(waveform)), self._mel_bins), _NUMBERS)
        block = np.zeros((_BLOCK, self._fft), np.float32)
        for first in range(0, len(mel), _BLOCK):
            chosen = frames[first : min(first + _BLOCK, len(mel))]
            windowed = block[: len(chosen)]
            np.multiply(chosen, self._hann, out=windowed[:, : self._window])
            self._mel_power(windowed, mel[first : first + len(chosen)])
        return self._compress(mel).T[:, :, np.newaxis].astype(np.float32)

    def _frames(self, samples):
        return 1 + samples // self._hop

    def _padded(self, waveform):
        half = self._window // 2
        return np.pad(waveform, (half, self._window - half))

    def _mel_power(self, windowed, mel):
        """Write the mel power of frames [time, samples of the transform] into mel [time, frequency]."""
        squares = np.fft.rfft(windowed).view(_NUMBERS)  # of the real and imaginary parts, which alternate
        squares *= squares
        power, first = squares[:, ::2] + squares[:, 1::2], 0
        for low, high, weights in self._bands:
            np.matmul(power[:, low:high], weights, out=mel[:, first : first + weights.shape[1]])
            first += weights.shape[1]

    def _compress(self, power):
        """From mel power to features, both [time, frequency]."""
        return power


class NumpyLogMel(NumpyMel):
    """`LogMel` in numpy."""

    decibels_per_unit = _DECIBELS_PER_NEPER

    def __init__(self, floor, **mel):
        super().__init__(**mel)
        self._floor = floor

    def _compress(self, power):
        return np.log(np.maximum(power, self._floor))


class NumpyPcen(NumpyMel):
    """`Pcen` in numpy."""

    def __init__(self, smoothing, gain, bias, exponent, epsilon, full_scale, **mel):
        super().__init__(**mel)
        self._smoothing, self._gain, self._bias = smoothing, gain, bias
        self._exponent, self._epsilon, self._full_scale = exponent, epsilon, full_scale

    def _compress(self, power):
        energy = power * self._full_scale**2
        level = energy.copy()
        for time in range(1, len(level)):
            level[time] = (1 - self._smoothing) * level[time - 1] + self._smoothing * energy[time]
        normalized = energy / (level + self._epsilon) ** self._gain
        return (normalized + self._bias) ** self._exponent - self._bias**self._exponent


class NumpyKaldiLogMel(NumpyMel):
    """`KaldiLogMel` in numpy."""

    _filterbank, _edges_hz = staticmethod(kaldi_filterbank), staticmethod(kaldi_edges_hz)
    _periodic_window = False

    def __init__(self, preemphasis, floor, mean, deviation, **mel):
        super().__init__(**mel)
        self._preemphasis, self._floor, self._mean, self._deviation = preemphasis, floor, mean, deviation
        self.decibels_per_unit = deviation * _DECIBELS_PER_NEPER

    def _frames(self, samples):
        return 1 + (samples - 1) // self._hop

    def _padded(self, waveform):
        emphasized = waveform[1:] - np.float64(self._preemphasis) * waveform[:-1]
        return np.pad(emphasized, self._window // 2, mode="reflect")

    def _compress(self, power):
        return (np.log(power + self._floor) - self._mean) / self._deviation


FRONTENDS = {
    "MelSpectrogram": NumpyMel,
    "LogMel": NumpyLogMel,
    "Pcen": NumpyPcen,
    "KaldiLogMel": NumpyKaldiLogMel,
}


def numpy_frontend(frontend):
    """The twin in numpy of a Keras frontend."""
    return FRONTENDS[type(frontend).__name__](**frontend.settings())


def frontend_of(metadata, source):
    """The frontend of a file's metadata: a callable with `feature_shape`; `source` names the file in errors.

    Raises:
        AscError: an unknown class or settings, or a sample rate other than the file's.
    """
    settings = dict(metadata.frontend)
    name = settings.pop("class", None)
    if name not in FRONTENDS:
        raise AscError(f"{source}: needs the frontend {name}; this version has {', '.join(FRONTENDS)}")
    try:
        if settings["sample_rate_hz"] != metadata.sample_rate_hz:
            raise ValueError(f"{settings['sample_rate_hz']} Hz and not {metadata.sample_rate_hz}")
        return FRONTENDS[name](**settings)
    except (ArithmeticError, KeyError, MemoryError, TypeError, ValueError) as error:
        raise AscError(f"{source}: its settings of the frontend {name} cannot be right ({error})") from error
