import librosa
import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from model_checks import converted, run_tflite
from scipy.signal import lfilter

from asc_tf.frontend.mel_spectrogram import MelSpectrogram
from asc_tf.frontend.pcen import Pcen
from asc_tf.models.network_file import read_network

FULL_SCALE = 2.0**31


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def energies(waveform, **mel):
    """Mel power of 32-bit integer samples, [batch, frequency, time], in float64."""
    return MelSpectrogram(**mel)(waveform).numpy()[..., 0].astype(np.float64) * FULL_SCALE**2


def pcen(energy, s=0.025, alpha=0.98, delta=2.0, r=0.5, epsilon=1e-6):
    """Equations 1 and 2 of Wang et al., frame by frame, in float64."""
    level = energy[..., 0]
    outputs = []
    for t in range(energy.shape[-1]):
        level = (1 - s) * level + s * energy[..., t]
        outputs.append((energy[..., t] / (epsilon + level) ** alpha + delta) ** r - delta**r)
    return np.stack(outputs, axis=-1)


@pytest.mark.parametrize("samples", [100, 960, 16000, 40000])
def test_features_are_the_papers_equations(samples):
    waveform = noise((2, samples))
    waveform[:, samples // 2 :] *= 0.01
    outputs = Pcen()(waveform).numpy()
    assert outputs.shape == (2, 256, 1 + samples // 480, 1)
    np.testing.assert_allclose(outputs[..., 0], pcen(energies(waveform)), rtol=1e-4, atol=1e-5)


def test_arguments_are_the_papers_symbols():
    waveform = noise((1, 16000))
    layer = Pcen(smoothing=0.2, gain=0.8, bias=10.0, exponent=0.25, epsilon=1e18)
    expected = pcen(energies(waveform), 0.2, 0.8, 10.0, 0.25, 1e18)
    np.testing.assert_allclose(layer(waveform)[..., 0], expected, rtol=1e-4, atol=1e-6)
    assert np.abs(expected - pcen(energies(waveform), 0.2, 0.8, 10.0, 0.25)).max() > 1e-3


def test_features_are_librosas_when_its_filter_starts_at_the_first_frame():
    waveform = noise((1, 48000))
    waveform[0, 24000:26000] += 0.5 * np.sin(np.arange(2000)).astype(np.float32)
    energy = energies(waveform)[0]
    start = lfilter([0.0, 0.975], [1.0], np.repeat(energy[:, :1], 2, axis=1))[:, 1:]
    expected = librosa.pcen(energy, b=0.025, gain=0.98, bias=2, power=0.5, eps=1e-6, zi=start)
    np.testing.assert_allclose(Pcen()(waveform)[0, :, :, 0], expected, rtol=1e-4, atol=1e-5)


def test_a_full_gain_takes_the_level_of_the_recording_away():
    waveform = noise((1, 16000))
    layer = Pcen(gain=1.0)
    np.testing.assert_allclose(layer(0.01 * waveform), layer(waveform), rtol=1e-3, atol=1e-4)


def test_a_sound_that_grows_louder_stands_out_until_the_level_has_followed():
    waveform = noise((1, 96000))
    waveform[0, 48000:] *= 10
    loudness = Pcen(smoothing=0.2)(waveform).numpy().mean(axis=(0, 1, 3))
    before, onset, after = loudness[40:95].mean(), loudness[101:104].mean(), loudness[140:195].mean()
    assert onset > 1.5 * before
    assert after == pytest.approx(before, rel=0.1)


def test_digital_silence_is_zero():
    np.testing.assert_array_equal(Pcen()(np.zeros((1, 16000), np.float32)), 0)


def test_smoothing_of_one_divides_every_frame_by_itself():
    waveform = noise((1, 8000))
    outputs = Pcen(smoothing=1.0, gain=1.0)(waveform)
    np.testing.assert_allclose(outputs, np.sqrt(3) - np.sqrt(2), atol=1e-5)


def test_full_scale_is_what_a_sample_of_1_counts():
    waveform = noise((1, 8000))
    as_integers = Pcen(full_scale=1.0)(waveform * np.float32(2**15))
    np.testing.assert_allclose(Pcen(full_scale=2.0**15)(waveform), as_integers, rtol=1e-5)


def test_a_saved_model_gives_the_same_features(tmp_path):
    inputs = keras.Input((16000,))
    model = keras.Model(inputs, Pcen(16000, 100.0, 25.0, 64, 50.0, 7000.0, 0.05, 0.9, 3.0, 0.4, 1e-3, 2.0**15)(inputs))
    assert model.count_params() == 0
    model.save(tmp_path / "model.keras")
    loaded = read_network(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(noise((2, 16000))), model(noise((2, 16000))))
    assert loaded.layers[1].get_config() == model.layers[1].get_config()


def test_it_maps_a_data_set_and_keeps_shapes_static():
    waveforms, layer = noise((5, 16000)), Pcen()
    data = tf.data.Dataset.from_tensor_slices(waveforms).batch(2).map(layer)
    assert data.element_spec.shape.as_list() == [None, 256, 34, 1]
    np.testing.assert_allclose(np.concatenate(list(data)), layer(waveforms), atol=1e-5)


def test_a_tflite_file_of_built_in_operators_gives_the_same_features():
    inputs = keras.Input((16000,))
    model = keras.Model(inputs, Pcen(mel_bins=64)(inputs))
    waveforms = noise((2, 16000))
    content = converted(model)
    np.testing.assert_allclose(run_tflite(content, waveforms), model(waveforms), rtol=1e-4, atol=1e-4)
    plain = keras.Model(inputs, MelSpectrogram(mel_bins=64)(inputs))
    assert len(content) - len(converted(plain)) < 20_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smoothing": 0.0}, "smoothing is 0.0; expected more than 0, up to 1"),
        ({"smoothing": 1.1}, "smoothing is 1.1"),
        ({"gain": -0.1}, "gain is -0.1; expected 0 to 1"),
        ({"gain": 1.1}, "gain is 1.1"),
        ({"bias": -1.0}, "bias is -1.0; expected 0 or more"),
        ({"exponent": 0.0}, "exponent is 0.0"),
        ({"epsilon": 0.0}, "epsilon 0.0"),
        ({"full_scale": 0.0}, "full_scale 0.0"),
        ({"hop_ms": 0.0}, "hop_ms 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pcen(**arguments)
