import numpy as np
import pytest

from asc_tf.audio.waveform import load_waveform
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.sections import FRONTENDS
from asc_tf.experiment.settings import Config
from asc_tf.frontend.kaldi_log_mel import KaldiLogMel
from asc_tf.frontend.mel import kaldi_filterbank


def plain(x, mel_bins=64):
    """The same frame by frame, filter by filter, in float64."""
    emphasized = x[1:].astype(np.float64) - 0.97 * x[:-1]
    mirrored = np.pad(emphasized, 2048, mode="reflect")
    window = np.zeros(4096)
    window[512:3584] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(3072) / 3071)
    edges = np.linspace(0, 1127 * np.log(1 + 15500 / 700), mel_bins + 2)
    mels = 1127 * np.log(1 + np.arange(2048) * 32000 / 4096 / 700)
    out = np.empty((mel_bins, 1 + len(emphasized) // 500))
    for frame in range(out.shape[1]):
        power = np.abs(np.fft.rfft(mirrored[frame * 500 : frame * 500 + 4096] * window))[:2048] ** 2
        for band in range(mel_bins):
            triangle = np.interp(mels, edges[band : band + 3], [0, 1, 0], left=0, right=0)
            out[band, frame] = (np.log(power @ triangle + 1e-5) + 4.5) / 5
    return out


def test_features_are_those_of_the_description():
    x = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    found = KaldiLogMel(mel_bins=64)(x[np.newaxis]).numpy()[0, :, :, 0]
    np.testing.assert_allclose(found, plain(x), atol=1e-4)


@pytest.mark.parametrize(("preset", "bins"), [("cp-mobile", 256), ("tf-sepnet", 512)])
def test_presets_give_64_frames_a_second_and_features_that_say_how_they_were_made(preset, bins):
    layer = build_frontend(Config(frontend=FRONTENDS[preset]))
    assert layer.feature_shape(32000) == (bins, 64, 1)
    again = KaldiLogMel.from_config(layer.get_config())
    assert again.settings() == layer.settings()


def test_each_filter_is_as_high_as_1_and_the_highest_fourier_bin_in_none():
    filters = kaldi_filterbank(32000, 4096, 40)
    assert (filters.max(axis=0) > 0.85).all() and filters.max() <= 1
    assert not filters[-1].any()


@pytest.mark.parametrize(
    ("arguments", "message"), [({"floor": 0.0}, "floor is 0.0"), ({"deviation": -1.0}, "deviation")]
)
def test_settings_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        KaldiLogMel(**arguments)


def test_a_waveform_too_short_to_be_mirrored_is_refused():
    with pytest.raises(ValueError, match="1537 samples; expected more than 1537"):
        KaldiLogMel().feature_shape(1537)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("preset", "reference"), [("cp-mobile", "cp_mobile_dcase23"), ("tf-sepnet", "tf_sepnet_64_dcase25")]
)
def test_features_of_a_real_clip_are_those_of_the_public_systems(preset, reference, shared):
    """Resampled from 44.1 to 32 kHz as a whole by soxr, then cut into seconds."""
    expected = np.load(shared / "checkpoints" / f"{reference}_reference.npz")["features"]
    waveform = load_waveform(shared / "tau_audio" / "metro_station-paris.wav", 32000)
    found = build_frontend(Config(frontend=FRONTENDS[preset]))(waveform[:320000].reshape(10, 32000))
    np.testing.assert_allclose(found.numpy()[..., 0], expected, atol=1e-3)
