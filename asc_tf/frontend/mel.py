"""The mel filterbank as a matrix, and the lengths of its frames. Needs no TensorFlow."""

import numpy as np


def mel_filterbank(sample_rate_hz, fft_length, mel_bins, low_hz=0.0, high_hz=None):
    """Triangular filters on Slaney's mel scale, each of unit area, as by librosa's default.

    Args:
        sample_rate_hz: of the waveform.
        fft_length: number of samples of the Fourier transform.
        mel_bins: number of filters.
        low_hz, high_hz: edges of the lowest and the highest filter; None is half the sample rate.

    Returns:
        float32 [fft_length // 2 + 1, mel_bins].

    Raises:
        ValueError: the edges are out of order, or a filter is so narrow that it contains no Fourier bin.

    Reference: Slaney, "Auditory Toolbox", 1998: linear below 1 kHz, logarithmic above.
    """
    edges = mel_edges_hz(sample_rate_hz, mel_bins, low_hz, high_hz)
    filters = _triangles(np.fft.rfftfreq(fft_length, 1 / sample_rate_hz), edges) * 2 / (edges[2:] - edges[:-2])
    return _all_supplied(filters, fft_length)


def kaldi_filterbank(sample_rate_hz, fft_length, mel_bins, low_hz=0.0, high_hz=None):
    """Filters that are triangles over mel itself, 1127 ln(1 + f / 700), each as high as 1, as Kaldi has them.

    Arguments, result and errors as of `mel_filterbank`. The highest Fourier bin belongs to no filter.

    Reference: Kaldi's compute-fbank-feats; the front end of CP-JKU's systems in DCASE 2022 to 2024.
    """
    edges = _hz_to_kaldi_mel(kaldi_edges_hz(sample_rate_hz, mel_bins, low_hz, high_hz))
    filters = _triangles(_hz_to_kaldi_mel(np.fft.rfftfreq(fft_length, 1 / sample_rate_hz)), edges)
    filters[-1] = 0
    return _all_supplied(filters, fft_length)


def _triangles(places, edges):
    """[place, filter]: filter i rises from 0 at edge i to 1 at edge i + 1 and falls to 0 at edge i + 2."""
    places = places[:, np.newaxis]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (places - lower) / (centre - lower), (upper - places) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling))


def _all_supplied(filters, fft_length):
    """The filters as float32; a ValueError if one has no Fourier bin."""
    empty = np.flatnonzero(filters.sum(axis=0) == 0)
    if len(empty):
        raise ValueError(
            f"{filters.shape[1]} mel bins are too many for a Fourier transform of {fft_length} samples: "
            f"no Fourier bin falls into mel bin {empty[0]}"
        )
    return filters.astype(np.float32)


def mel_edges_hz(sample_rate_hz, mel_bins, low_hz=0.0, high_hz=None):
    """Start of each filter of `mel_filterbank`, in Hz, then centre and end of the last one: [mel_bins + 2].

    Filter i goes from edge i over its centre, edge i + 1, to edge i + 2. Errors as `mel_filterbank`.
    """
    low_hz, high_hz = _limits_hz(sample_rate_hz, low_hz, high_hz)
    return _mel_to_hz(np.linspace(_hz_to_mel(low_hz), _hz_to_mel(high_hz), mel_bins + 2))


def kaldi_edges_hz(sample_rate_hz, mel_bins, low_hz=0.0, high_hz=None):
    """As `mel_edges_hz`, of `kaldi_filterbank`."""
    low_hz, high_hz = _limits_hz(sample_rate_hz, low_hz, high_hz)
    mels = np.linspace(_hz_to_kaldi_mel(low_hz), _hz_to_kaldi_mel(high_hz), mel_bins + 2)
    return 700 * np.expm1(mels / 1127)


def _limits_hz(sample_rate_hz, low_hz, high_hz):
    high_hz = sample_rate_hz / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < high_hz <= sample_rate_hz / 2:
        raise ValueError(f"mel edges are {low_hz} and {high_hz} Hz; expected 0 <= low < high <= {sample_rate_hz / 2}")
    return low_hz, high_hz


def frame_lengths(sample_rate_hz, window_ms, hop_ms):
    """Samples of (window, hop, Fourier transform); the last is the power of two that holds the window.

    Raises:
        ValueError: window and hop do not fit together.
    """
    window, hop = round(window_ms * sample_rate_hz / 1000), round(hop_ms * sample_rate_hz / 1000)
    if not 0 < hop <= window:
        raise ValueError(f"window_ms is {window_ms} and hop_ms {hop_ms}; expected 0 < hop_ms <= window_ms")
    return window, hop, 2 ** (window - 1).bit_length()


def bands_of(filterbank, filters_per_band=16):
    """Cut the filterbank, nearly all zeros, along its diagonal: (first bin, last bin + 1, weights) per band."""
    for start in range(0, filterbank.shape[1], filters_per_band):
        weights = filterbank[:, start : start + filters_per_band]
        used = np.flatnonzero(weights.any(axis=1))
        low, high = int(used[0]), int(used[-1]) + 1
        yield low, high, weights[low:high]


def _hz_to_kaldi_mel(hz):
    return 1127 * np.log1p(np.divide(hz, 700))


_BREAK_HZ, _HZ_PER_MEL, _LOG_STEP = 1000.0, 200 / 3, np.log(6.4) / 27
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL


def _hz_to_mel(hz):
    return hz / _HZ_PER_MEL if hz < _BREAK_HZ else _BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mel):
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, logarithmic)
