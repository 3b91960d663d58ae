import librosa
import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.audio.waveform import load_waveform
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.sections import FRONTENDS
from asc_tf.experiment.settings import Config
from asc_tf.frontend.log_mel import LogMel
from asc_tf.models.network_file import read_network

# (window_ms, hop_ms) and librosa's arguments for the same, in samples at 16 kHz
QTI = (130.0, 30.0, {"n_fft": 4096, "win_length": 2080, "hop_length": 480})
HYU = (128.0, 32.0, {"n_fft": 2048, "win_length": 2048, "hop_length": 512})
both_papers = pytest.mark.parametrize(("window_ms", "hop_ms", "samples"), [QTI, HYU], ids=["QTI", "HYU"])


def librosa_log_mel(waveform, samples, floor=1e-7):
    power = librosa.feature.melspectrogram(y=waveform, sr=16000, n_mels=256, center=True, power=2, **samples)
    return np.log(np.maximum(power, floor))


def sine(frequency_hz, samples=16000, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / 16000)).astype(np.float32)


def noise(shape, deviation=0.1, seed=0):
    return np.random.default_rng(seed).normal(0, deviation, shape).astype(np.float32)


@pytest.mark.shared
@both_papers
def test_features_of_a_real_recording_are_librosas(shared, window_ms, hop_ms, samples):
    waveform = load_waveform(shared / "tau_audio" / "metro_station-paris.wav", 16000)
    features = LogMel(window_ms=window_ms, hop_ms=hop_ms)(waveform[np.newaxis]).numpy()
    assert features.shape == (1, 256, {30.0: 334, 32.0: 313}[hop_ms], 1)
    np.testing.assert_allclose(features[0, :, :, 0], librosa_log_mel(waveform, samples), rtol=0, atol=1e-3)


@both_papers
def test_features_of_noise_and_a_sine_and_a_gap_are_librosas(window_ms, hop_ms, samples):
    waveform = noise(40000) + sine(1000, 40000, 0.3)
    waveform[15000:25000] = 0
    features = LogMel(window_ms=window_ms, hop_ms=hop_ms)(waveform[np.newaxis]).numpy()
    expected = librosa_log_mel(waveform, samples)
    assert expected.min() == np.float32(np.log(1e-7))
    np.testing.assert_allclose(features[0, :, :, 0], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("frontend", "frames"), [("tau2020", 34), ("tau2022", 32), ("tau2020-pcen", 34), ("tau2022-pcen", 32)]
)
def test_one_second_gives_as_many_frames_as_the_layer_says(frontend, frames):
    layer = build_frontend(Config(frontend=FRONTENDS[frontend]))
    features = layer(noise((3, 16000)))
    assert features.shape == (3, 256, frames, 1)
    assert layer.feature_shape(16000) == (256, frames, 1)
    assert layer.compute_output_shape((3, 16000)) == (3, 256, frames, 1)


@pytest.mark.parametrize("frequency_hz", [100, 440, 997, 2500, 5111, 7800])
def test_a_pure_tone_is_loudest_in_the_mel_bin_of_the_nearest_centre(frequency_hz):
    centres_hz = librosa.mel_frequencies(n_mels=66, fmin=0, fmax=8000)[1:-1]
    features = LogMel(mel_bins=64)(sine(frequency_hz)[np.newaxis]).numpy()
    middle = features[0, :, features.shape[2] // 2, 0]
    assert middle.argmax() == np.abs(centres_hz - frequency_hz).argmin()


def test_doubling_the_amplitude_adds_ln_4():
    waveform = noise((1, 16000))
    layer = LogMel(floor=1e-12)
    np.testing.assert_allclose(layer(2 * waveform) - layer(waveform), np.log(4), atol=1e-4)


@pytest.mark.parametrize("floor", [1e-7, 1e-3])
def test_digital_silence_is_ln_of_the_floor_everywhere(floor):
    features = LogMel(floor=floor)(np.zeros((2, 16000), np.float32)).numpy()
    np.testing.assert_array_equal(features, np.full((2, 256, 34, 1), np.log(np.float32(floor)), np.float32))


def test_a_click_is_heard_only_by_the_frames_whose_window_holds_it():
    waveform = np.zeros((1, 16000), np.float32)
    waveform[0, 8000] = 1
    layer = LogMel(floor=1e-12)
    loudest = layer(waveform).numpy()[0, :, :, 0].max(axis=0)
    heard = np.flatnonzero(loudest > np.log(2e-12))
    centres = 480 * np.arange(34)
    np.testing.assert_array_equal(heard, np.flatnonzero(np.abs(centres - 8000) < 1040))


def test_config_round_trip():
    arguments = {
        "sample_rate_hz": 22050,
        "window_ms": 100.0,
        "hop_ms": 25.0,
        "mel_bins": 40,
        "low_hz": 20.0,
        "high_hz": 9000.0,
        "floor": 1e-5,
        "name": "frontend",
    }
    layer = LogMel(**arguments)
    assert arguments.items() <= layer.get_config().items()
    assert LogMel.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_saved_model_gives_the_same_features(tmp_path):
    inputs = keras.Input((16000,))
    model = keras.Model(inputs, LogMel(16000, 100.0, 25.0, 64, 50.0, 7000.0, 1e-5)(inputs))
    assert model.count_params() == 0
    model.save(tmp_path / "model.keras")
    loaded = read_network(tmp_path / "model.keras")
    waveforms = noise((2, 16000))
    waveforms[:, 8000:] = 0
    np.testing.assert_array_equal(loaded(waveforms), model(waveforms))


def test_it_maps_a_data_set_and_keeps_shapes_static():
    waveforms, layer = noise((5, 16000)), LogMel()
    data = tf.data.Dataset.from_tensor_slices(waveforms).batch(2).map(layer)
    assert data.element_spec.shape.as_list() == [None, 256, 34, 1]
    np.testing.assert_allclose(np.concatenate(list(data)), layer(waveforms), atol=1e-5)


def test_xla_gives_the_same_features():
    waveforms, layer = noise((2, 16000)), LogMel()
    compiled = tf.function(lambda waveform: layer(waveform), jit_compile=True)
    np.testing.assert_allclose(compiled(waveforms), layer(waveforms), atol=1e-4)


def test_features_stay_float32_under_mixed_precision():
    waveforms = noise((2, 16000))
    expected = LogMel()(waveforms)
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        features = LogMel()(waveforms)
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert features.dtype == "float32"
    np.testing.assert_array_equal(features, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window_ms": 30.0, "hop_ms": 31.0}, "window_ms is 30.0 and hop_ms 31.0"),
        ({"hop_ms": 0.0}, "hop_ms 0.0"),
        ({"floor": 0.0}, "floor is 0.0"),
        ({"high_hz": 9000.0}, "mel edges"),
        ({"low_hz": 500.0, "high_hz": 400.0}, "mel edges"),
        ({"window_ms": 30.0, "hop_ms": 30.0}, "256 mel bins are too many"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogMel(**arguments)


def test_a_waveform_of_unknown_length_is_refused():
    with pytest.raises(ValueError, match="unknown length"):
        LogMel()(keras.Input((None,)))
