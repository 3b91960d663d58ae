import librosa
import numpy as np
import pytest

from asc_tf.frontend.mel import mel_filterbank


@pytest.mark.parametrize(
    ("sample_rate_hz", "fft_length", "mel_bins"), [(16000, 4096, 256), (16000, 2048, 256), (44100, 4096, 128)]
)
def test_filterbank_is_librosas(sample_rate_hz, fft_length, mel_bins):
    filters = mel_filterbank(sample_rate_hz, fft_length, mel_bins)
    expected = librosa.filters.mel(sr=sample_rate_hz, n_fft=fft_length, n_mels=mel_bins, htk=False, norm="slaney")
    assert filters.dtype == np.float32
    np.testing.assert_allclose(filters, expected.T, rtol=0, atol=1e-6)


def test_edges_move_the_filterbank_as_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=4096, n_mels=64, fmin=50, fmax=7000)
    np.testing.assert_allclose(mel_filterbank(16000, 4096, 64, 50, 7000), expected.T, rtol=0, atol=1e-6)


def test_every_filter_has_unit_area():
    filters = mel_filterbank(16000, 65536, 64)
    np.testing.assert_allclose(filters.sum(axis=0) * 16000 / 65536, 1, rtol=2e-3)


@pytest.mark.parametrize(
    ("low_hz", "high_hz"), [(5000, 4000), (4000, 4000), (-1, 8000), (0, 8001)], ids=["crossed", "equal", "low", "high"]
)
def test_edges_out_of_order_are_refused(low_hz, high_hz):
    with pytest.raises(ValueError, match=f"mel edges are {low_hz} and {high_hz} Hz"):
        mel_filterbank(16000, 4096, 64, low_hz, high_hz)


def test_a_filter_without_a_fourier_bin_is_refused():
    with pytest.raises(ValueError, match="256 mel bins are too many for a Fourier transform of 512 samples"):
        mel_filterbank(16000, 512, 256)
