import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from asc_tf import __version__
from asc_tf.audio.waveform import load_waveform
from asc_tf.data.clips import read_clips
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.export import conversion, tflite
from asc_tf.export.agreement import BOUNDS, Bound
from asc_tf.export.tflite import export_tflite
from asc_tf.frontend.log_mel import LogMel
from asc_tf.layers import ResidualNormalization
from asc_tf.runtime import Classifier


@pytest.fixture(scope="module")
def frontend(smallest_run):
    config, _ = read_run(smallest_run)
    return build_frontend(config)


@pytest.fixture(scope="module")
def model(smallest_run):
    return load_model(smallest_run)


@pytest.fixture(scope="module")
def waveforms(synthetic_root):
    """One test clip a device, [9, 16000]."""
    clips = read_clips(synthetic_root)
    names = clips[clips.split == "test"].groupby("device").filename.first()
    assert len(names) == 9
    return np.stack([load_waveform(synthetic_root / name, 16000) for name in names])


def test_equal_frontends_are_converted_once(monkeypatch):
    made = []

    def noted(frontend, shape):
        made.append((frontend.mel_bins, *shape))
        return bytes(len(made))

    monkeypatch.setattr(conversion, "_FRONTENDS", {})
    monkeypatch.setattr(conversion, "converted", noted)
    asked = [(32, 8000), (32, 8000), (40, 8000), (32, 9000), (40, 8000)]
    files = [conversion.frontend_file(LogMel(mel_bins=bins), samples) for bins, samples in asked]
    assert made == [(32, 8000), (40, 8000), (32, 9000)] and list(map(len, files)) == [1, 1, 2, 3, 2]


def test_no_warning_of_the_converter_reaches_users(recwarn):
    """It has one for graphs that it cannot save first, such as those of a layer with a gradient of its own."""
    features = np.random.default_rng(0).normal(size=(8, 4, 6, 2))
    model = keras.Sequential([keras.layers.Input((4, 6, 2)), keras.layers.Conv2D(2, 1), ResidualNormalization()])
    conversion.converted(model, (4, 6, 2), "int8", features, float_input=False)
    assert [str(warning.message) for warning in recwarn if warning.category is UserWarning] == []


@pytest.fixture
def export(smallest_file, frontend, model, waveforms, monkeypatch):
    """`export_tflite` of `smallest_file` beside a Keras model that predicts what it is told."""

    def export(path, probabilities, check_on=waveforms):
        monkeypatch.setattr(tflite, "joined_file", lambda *arguments: smallest_file.read_bytes())
        monkeypatch.setattr(tflite, "keras_probabilities", lambda frontend, model, clips: probabilities(clips))
        return export_tflite(path, frontend, model, Classifier(smallest_file).labels, 1.0, check_on)

    return export


@pytest.fixture
def found(smallest_file):
    """Function from waveforms to the probabilities of `smallest_file`."""
    classifier = Classifier(smallest_file)
    return lambda waveforms: np.stack([classifier.window_probabilities(waveform) for waveform in waveforms])


def test_the_file_gives_the_softmax_of_the_keras_models_logits(found, frontend, model, waveforms):
    logits = model(frontend(waveforms), training=False).numpy().astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    from_clip_to_clip = np.ptp(expected, axis=0).max()  # little, for the network has hardly been trained
    np.testing.assert_allclose(found(waveforms), expected, rtol=0, atol=min(1e-5, from_clip_to_clip / 20))


def test_the_file_takes_one_float_window_and_gives_float_probabilities(smallest_file):
    interpreter = Interpreter(str(smallest_file))
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["shape"].tolist(), taken["dtype"]) == ([1, 16000], np.float32)
    assert (given["shape"].tolist(), given["dtype"]) == ([1, 10], np.float32)


def test_the_file_needs_only_built_in_operators(smallest_file):
    interpreter = Interpreter(str(smallest_file))
    names = {details["op_name"] for details in interpreter._get_ops_details()}
    assert {"CONV_2D", "RFFT2D", "SOFTMAX"} <= names
    assert not [name for name in names if name.startswith("Flex") or name == "CUSTOM"]
    model = schema.Model.GetRootAs(smallest_file.read_bytes(), 0)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    assert all(code.BuiltinCode() != schema.BuiltinOperator.CUSTOM and code.CustomCode() is None for code in codes)


def test_the_file_says_what_it_is(smallest_file, smallest_run):
    config, dataset = read_run(smallest_run)
    metadata = Classifier(smallest_file).metadata
    assert metadata.labels == dataset.scenes
    assert (metadata.sample_rate_hz, metadata.samples, metadata.input) == (16000, 16000, "waveform")
    assert metadata.frontend == {"class": "LogMel", **build_frontend(config).settings()}
    assert LogMel(**{k: v for k, v in metadata.frontend.items() if k != "class"}).frames(16000) == 34
    assert (metadata.network, metadata.version) == ("cp_mobile", __version__)


def test_export_writes_the_file_and_returns_the_largest_difference_of_a_probability(tmp_path, export, found):
    def shifted(waveforms):
        probabilities = found(waveforms)
        probabilities[3, 5] -= 5e-4
        return probabilities

    path = tmp_path / "new folder" / "model.tflite"
    assert export(path, shifted).difference == pytest.approx(5e-4, abs=1e-6)
    assert [file.name for file in path.parent.iterdir()] == ["model.tflite"]
    assert len(Classifier(path).labels) == 10


def test_noise_is_compared_if_no_clips_are_given(tmp_path, export, found):
    compared = []

    def recorded(waveforms):
        compared.append(waveforms)
        return found(waveforms)

    assert export(tmp_path / "model.tflite", recorded, check_on=None).difference == 0
    assert compared[0].shape[1] == 16000
    assert (compared[0].std(axis=1) > 0.01).all()


def test_a_file_of_another_network_is_refused_and_the_existing_file_stays(
    tmp_path, smallest_file, frontend, model, waveforms, monkeypatch
):
    monkeypatch.setattr(tflite, "joined_file", lambda *arguments: smallest_file.read_bytes())
    other = keras.models.clone_model(model)
    other.set_weights([weights + 0.1 for weights in model.get_weights()])
    path = tmp_path / "model.tflite"
    path.write_bytes(b"an older network")
    with pytest.raises(AscError, match="the file disagrees with the Keras model: a probability differs by"):
        export_tflite(path, frontend, other, Classifier(smallest_file).labels, 1.0, waveforms[:2])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"model.tflite": b"an older network"}


@pytest.mark.parametrize(("change", "message"), [(2e-3, "differs by 0.002"), (np.nan, "differs by nan")])
def test_one_probability_too_far_off_leaves_no_file(tmp_path, export, found, change, message):
    def shifted(waveforms):
        probabilities = found(waveforms)
        probabilities[-1, 0] -= change
        return probabilities

    with pytest.raises(AscError, match=f"disagrees with the Keras model: a probability {message} on 9 clips"):
        export(tmp_path / "model.tflite", shifted)
    assert list(tmp_path.iterdir()) == []


def test_another_scene_in_first_place_is_refused_however_near_its_probability(tmp_path, export, found, monkeypatch):
    monkeypatch.setitem(BOUNDS, "float", Bound(1.0, 1.0, 1.0))

    def turned(waveforms):
        """The first two change places, and then stand further apart than either has moved."""
        probabilities = found(waveforms)
        second, first = np.argsort(probabilities[0])[-2:]
        step = 1.5 * (probabilities[0, first] - probabilities[0, second])
        probabilities[0, [second, first]] += [step, -step]
        return probabilities

    with pytest.raises(AscError, match="disagrees with the Keras model"):
        export(tmp_path / "model.tflite", turned)
    assert list(tmp_path.iterdir()) == []


def test_scenes_as_likely_as_each_other_may_change_places(tmp_path, export, found, monkeypatch):
    def tied(waveforms):
        probabilities = found(waveforms)
        second, first = np.argsort(probabilities[0])[-2:]
        probabilities[0, second] = probabilities[0, first] + 1e-6
        return probabilities

    monkeypatch.setitem(BOUNDS, "float", Bound(1.0, 1.0, 1.0))
    export(tmp_path / "model.tflite", tied)
    assert (tmp_path / "model.tflite").is_file()
