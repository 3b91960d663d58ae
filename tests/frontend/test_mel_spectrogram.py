import librosa
import numpy as np
import pytest
import tf_keras as keras

from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.mel_spectrogram import MelSpectrogram
from asc_tf.frontend.pcen import Pcen


def test_power_is_librosas():
    waveform = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_mels=64, n_fft=2048, win_length=1600, hop_length=400, power=2
    )
    outputs = MelSpectrogram(window_ms=100.0, hop_ms=25.0, mel_bins=64)(waveform[np.newaxis]).numpy()
    assert outputs.shape == (1, 64, 41, 1)
    np.testing.assert_allclose(outputs[0, :, :, 0], expected, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("layer", [MelSpectrogram(), LogMel(), Pcen()], ids=["mel", "log_mel", "pcen"])
def test_settings_make_the_same_layer_again(layer):
    copy = type(layer)(**layer.settings())
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, 8000)).astype(np.float32)
    assert copy.settings() == layer.settings()
    np.testing.assert_array_equal(copy(waveform), layer(waveform))


@pytest.mark.parametrize("frontend", [MelSpectrogram, LogMel, Pcen])
def test_a_waveform_of_unknown_length_is_refused_by_the_frontends_name(frontend):
    with pytest.raises(ValueError, match=f"{frontend.__name__} got a waveform of unknown length"):
        frontend(mel_bins=32)(keras.Input((None,)))


@pytest.mark.parametrize("frontend", [MelSpectrogram, LogMel, Pcen])
def test_a_cache_can_tell_the_versions_of_each_frontend(frontend):
    assert isinstance(vars(frontend)["version"], int)
