import dataclasses

import numpy as np
import pytest
import soundfile

from asc_tf.audio.waveform import load_waveform
from asc_tf.errors import AscError
from asc_tf.frontend.kaldi_log_mel import KaldiLogMel
from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.mel_spectrogram import MelSpectrogram
from asc_tf.frontend.pcen import Pcen
from asc_tf.runtime import Classifier
from asc_tf.runtime.frontend import frontend_of
from asc_tf.runtime.metadata import Metadata, with_metadata

SAMPLES = 16000


def metadata_of(layer, samples=SAMPLES, **changes):
    settings = {"class": type(layer).__name__, **layer.settings()}
    known = {"labels": tuple("nesw"), "sample_rate_hz": layer.sample_rate_hz, "samples": samples}
    return Metadata(**known, frontend=settings, network="linear", input="features", **changes)


def mel_of(layer):
    """The layer without its compression."""
    names = MelSpectrogram().settings()
    return MelSpectrogram(**{name: value for name, value in layer.settings().items() if name in names})


@pytest.fixture(scope="module")
def waveforms(synthetic_root):
    """A clip of every scene, noise loud and very soft, silence, and a pure tone."""
    paths = {path.name.split("-")[0]: path for path in sorted((synthetic_root / "audio").glob("*.wav"))}
    clips = [load_waveform(path, 16000)[:SAMPLES] for path in paths.values()]
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLES)
    tone = np.sin(2 * np.pi * 440 / 16000 * np.arange(SAMPLES))
    return np.stack([*clips, noise, 1e-4 * noise, 0 * noise, tone]).astype(np.float32)


@pytest.mark.parametrize(
    "layer",
    [
        LogMel(),
        LogMel(window_ms=128, hop_ms=32, low_hz=50, high_hz=7000, mel_bins=64, floor=1e-5),
        Pcen(),
        Pcen(smoothing=0.1, gain=0.8, bias=1.0, exponent=0.3, mel_bins=40, full_scale=1.0),
    ],
    ids=["log-mel", "log-mel, other settings", "PCEN", "PCEN, other settings"],
)
def test_features_agree_with_the_training_frontend_to_1e_4(layer, waveforms):
    frontend = frontend_of(metadata_of(layer), "model.tflite")
    expected = layer(waveforms).numpy()
    found = np.stack([frontend(waveform) for waveform in waveforms])
    assert found.dtype == np.float32 and found.shape[1:] == frontend.feature_shape(SAMPLES)
    assert np.ptp(expected) > 1
    difference = np.abs(found - expected)
    # What is 70 dB below the loudest bin of its frame drowns in the rounding of the training frontend's Fourier
    # transform, which is in single precision: there the two agree to that, and the one here is the more exact.
    power = np.stack([frontend_of(metadata_of(mel_of(layer)), "x")(waveform) for waveform in waveforms])
    above = (power >= 1e-7 * power.max(axis=1, keepdims=True)) & (power > 0)
    assert above[:-2].mean() > 0.8
    assert difference[above].max() <= 1e-4
    assert difference.max() <= 1e-2 and difference.mean() <= 3e-5


def test_kaldis_features_agree_everywhere(waveforms):
    layer = KaldiLogMel(16000, 192.0, 31.25, mel_bins=128, high_hz=7750.0)
    frontend = frontend_of(metadata_of(layer), "model.tflite")
    found = np.stack([frontend(waveform) for waveform in waveforms])
    assert found.shape[1:] == frontend.feature_shape(SAMPLES)
    np.testing.assert_allclose(found, layer(waveforms), atol=1e-4)


def test_the_mel_spectrogram_alone_agrees_too(waveforms):
    layer = MelSpectrogram(mel_bins=32)
    found = frontend_of(metadata_of(layer), "model.tflite")(waveforms[0])
    np.testing.assert_allclose(found, layer(waveforms[:1]).numpy()[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 479, 480, 481, 7777])
def test_lengths_give_the_training_frontends_number_of_frames(samples):
    layer, noise = LogMel(mel_bins=16), np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    np.testing.assert_allclose(
        frontend_of(metadata_of(layer), "x")(noise), layer(noise[np.newaxis]).numpy()[0], atol=1e-4
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"class": "Wavelets"},
            "needs the frontend Wavelets; this version has MelSpectrogram, LogMel, .*KaldiLogMel",
        ),
        ({"hop_ms": 0}, "cannot be right .*expected 0 < hop_ms"),
        ({"mel_bins": "many"}, "cannot be right"),
        ({"curve": 3}, "cannot be right .*curve"),
        ({"sample_rate_hz": 8000}, "cannot be right .8000 Hz and not 16000"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes, message):
    good = metadata_of(LogMel())
    with pytest.raises(AscError, match=f"^model.tflite: .*{message}"):
        frontend_of(dataclasses.replace(good, frontend={**good.frontend, **changes}), "model.tflite")


FRONTEND = LogMel(window_ms=64, hop_ms=32, mel_bins=16)
SHAPE = FRONTEND.feature_shape(8000)


@pytest.fixture(scope="module")
def network():
    import tf_keras as keras

    inputs = keras.Input(SHAPE)
    weights = keras.initializers.RandomNormal(stddev=0.03, seed=0)
    return keras.Model(
        inputs, keras.layers.Dense(4, "softmax", kernel_initializer=weights)(keras.layers.Flatten()(inputs))
    )


def converted(network, sounds=None):
    """Bytes of a file that takes features: float, or int8 at both ends if calibrated on sounds."""
    import tensorflow as tf

    from asc_tf.quiet import native_stderr_hidden

    with native_stderr_hidden():
        function = tf.function(network, input_signature=[tf.TensorSpec((1, *SHAPE))]).get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], network)
        if sounds is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([FRONTEND(sound[np.newaxis])] for sound in sounds)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


@pytest.mark.parametrize(("int8", "bound"), [(False, 1e-5), (True, 0.02)], ids=["float", "int8"])
def test_a_file_that_takes_features_is_used_as_one_that_takes_a_waveform(network, tmp_path, int8, bound):
    sounds = np.random.default_rng(0).normal(0, 0.1, (20, 8000)).astype(np.float32)
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(converted(network, sounds if int8 else None), metadata_of(FRONTEND, 8000)))
    classifier = Classifier(path)
    expected = network(FRONTEND(sounds[:4])).numpy()
    found = np.stack([classifier.window_probabilities(sound) for sound in sounds[:4]])
    np.testing.assert_allclose(found, expected, atol=bound)
    assert np.ptp(expected, axis=0).max() > 2 * bound
    soundfile.write(tmp_path / "clip.wav", sounds[0], 16000, subtype="FLOAT")
    np.testing.assert_array_equal(classifier.classify_file(tmp_path / "clip.wav"), found[0])


def test_metadata_of_features_on_a_file_that_takes_a_waveform_are_refused(file, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(file.read_bytes(), metadata_of(FRONTEND, 8000)))
    with pytest.raises(AscError, match=r"takes and gives \[\(1, 8000\), \(1, 4\)\], but its metadata says \[\(1, 16, "):
        Classifier(path)
