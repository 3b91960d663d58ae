"""Every format and input of `asc-tf export`, of one trained run."""

import math

import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from small_networks import features_for, unsettled_network

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.export import tflite
from asc_tf.export.agreement import BOUNDS, Agreement, Bound
from asc_tf.export.conversion import converted
from asc_tf.export.tflite import network_file
from asc_tf.layers import LogMeanProbability
from asc_tf.runtime import Classifier

KINDS = [("float", "features"), ("float16", "waveform"), ("int8", "waveform"), ("int8", "features")]


@pytest.fixture(scope="module")
def files(smallest_run, tmp_path_factory):
    """{(format, input): (path, Agreement)} of `smallest_run`."""
    folder = tmp_path_factory.mktemp("formats")
    found = {}
    for format, input in KINDS:
        path = folder / f"{format}-{input}.tflite"
        more = {"format": format, "input": input, "calibration_clips": 18, "clips_to_check": 18}
        _, _, agreement = stages.export(smallest_run, path, **more)
        found[format, input] = path, agreement
    return found


def parsed(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def tensors(path):
    model = parsed(path.read_bytes())
    return model, model.subgraphs[0].tensors


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_every_kind_agrees_with_the_network_on_clips_of_every_device(files, kind):
    path, agreement = files[kind]
    agreement.check(kind[0])
    assert set(agreement.devices) == set("abc") | {f"s{i}" for i in range(1, 7)}
    assert 0 < agreement.difference < {"float": 1e-4, "float16": 1e-2, "int8": 0.2}[kind[0]]
    assert abs(agreement.log_loss_change.mean()) < 0.05
    metadata = Classifier(path).metadata
    assert (metadata.format, metadata.input, metadata.features) == (*kind, (32, 34))


@pytest.mark.slow
def test_an_8_bit_file_of_features_takes_int8_and_says_how(files):
    path, _ = files["int8", "features"]
    interpreter = Interpreter(str(path))
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["shape"].tolist(), taken["dtype"]) == ([1, 32, 34, 1], np.int8)
    assert (given["shape"].tolist(), given["dtype"]) == ([1, 10], np.float32)
    scale, zero_point = taken["quantization"]
    said = Classifier(path).metadata.quantization
    assert said["dtype"] == "int8" and said["zero_point"] == zero_point and said["scale"] == pytest.approx(scale)
    assert Classifier(files["int8", "waveform"][0]).metadata.quantization is None


@pytest.mark.slow
@pytest.mark.parametrize("input", ["features", "waveform"])
def test_the_convolutions_of_an_8_bit_file_have_8_bits(files, input):
    model, found = tensors(files["int8", input][0])
    kernels = [found[op.inputs[1]] for op in model.subgraphs[0].operators if len(op.inputs) == 3]
    convolutions = [kernel for kernel in kernels if kernel.shape is not None and len(kernel.shape) == 4]
    assert len(convolutions) > 6 and {kernel.type for kernel in convolutions} == {schema.TensorType.INT8}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["asc", "resnet", "cp-mobile"])
def test_an_8_bit_file_has_8_bits_throughout(name):
    """Normalizations by bin and by sub-band, means and sums of broadcast maps, strides in one direction."""
    network = unsettled_network(name)
    content = network_file(network, network.input_shape[1:], "int8", features_for(network, 8), float_input=False)
    assert sizes_of_floats(content) == [network.output_shape[1]], "logits"


@pytest.mark.slow
def test_so_has_that_of_an_ensemble():
    inputs = keras.Input((6,))
    network = keras.Model(inputs, LogMeanProbability()([keras.layers.Dense(3)(inputs) for _ in range(3)]))
    features = np.random.default_rng(0).normal(size=(8, 6))
    assert sizes_of_floats(converted(network, (6,), "int8", features, float_input=False)) == [3], "logits"


def sizes_of_floats(content):
    """Numbers in each map that a file keeps in floating point."""
    found = parsed(content).subgraphs[0].tensors
    return [math.prod(tensor.shape) for tensor in found if tensor.type == schema.TensorType.FLOAT32]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_file_carries_no_names_and_nothing_twice(files, kind):
    model, found = tensors(files[kind][0])
    names = {b"features", b"probabilities"} | ({b"waveform"} if kind[1] == "waveform" else set())
    assert {tensor.name for tensor in found} - {None} == names
    entries = [b"TFLITE_METADATA", b"asc_tf"] if kind[1] == "waveform" else [b"asc_tf"]
    assert [entry.name for entry in model.metadata] == entries and not model.signatureDefs
    contents = [bytes(bytearray(buffer.data)) for buffer in model.buffers if buffer.data is not None]
    assert len(contents) == len(set(contents))


@pytest.mark.slow
def test_features_are_classified_as_the_waveform_is(files, synthetic_root):
    by_waveform, by_features = (Classifier(files["int8", input][0]) for input in ("waveform", "features"))
    assert by_waveform.labels == by_features.labels
    audio = next((synthetic_root / "audio").iterdir())
    expected = by_waveform.classify_file(audio)
    assert expected.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(by_features.classify_file(audio), expected, atol=0.02)
    features = np.full((32, 34), 1e6, np.float32)
    assert np.isfinite(by_features.window_probabilities(features)).all()


@pytest.mark.slow
def test_the_command_prints_the_agreement_of_every_device(smallest_run, tmp_path, capsys, files, monkeypatch):
    agreement = files["float", "features"][1]
    path = files["float", "features"][0]
    monkeypatch.setattr(stages, "export", lambda *arguments, **settings: (path, 8, {**settings, "a": agreement}["a"]))
    assert main(["export", str(smallest_run), "--format", "float", "--input", "features"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "from features to probabilities, float" in lines[1]
    assert [line.split()[0] for line in lines[3:]] == ["device", *sorted(set(agreement.devices)), "all"]


def test_a_format_or_input_that_does_not_exist_is_refused(tmp_path):
    for settings in ({"format": "int4"}, {"input": "images"}):
        with pytest.raises(AscError, match=r"'\w+' is no format or input of a file; expected one of"):
            tflite.export_tflite(tmp_path / "x", None, None, (), 1.0, **settings)
    with pytest.raises(AscError, match="an 8-bit file is asked for without clips to calibrate on"):
        tflite.export_tflite(tmp_path / "x", None, None, (), 1.0, format="int8")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def certain():
    """Probabilities of 20 clips of 4 scenes, and the scenes' labels."""
    labels = np.arange(20) % 4
    return np.eye(4)[labels] * 0.6 + 0.1, labels


@pytest.mark.parametrize("format", BOUNDS)
def test_a_file_beyond_the_bounds_of_its_format_is_refused(certain, format):
    expected, labels = certain
    Agreement(expected, expected.copy(), labels).check(format)
    turned = np.roll(expected, 1, axis=1)
    found = np.where(np.arange(20)[:, np.newaxis] < 3, turned, expected)
    with pytest.raises(AscError, match="the file disagrees with the Keras model: .* on 20 clips; expected at"):
        Agreement(expected, found, labels).check(format)
    with pytest.raises(AscError, match="a probability differs by nan"):
        Agreement(expected, np.full_like(expected, np.nan), labels).check(format)


def test_a_log_loss_that_rises_is_refused_though_every_scene_stays(certain, monkeypatch):
    monkeypatch.setitem(BOUNDS, "int8", Bound(1.0, 0.9, 0.1))
    expected, labels = certain
    flatter = expected * 0.5 + 0.125
    assert Agreement(expected, flatter, labels).same_scene.all()
    with pytest.raises(AscError, match="the log loss rises by 0.388 on 20 clips; expected at most 0.1"):
        Agreement(expected, flatter, labels).check("int8")
    table = Agreement(expected, flatter, labels, np.array(["a", "b"] * 10)).table().splitlines()
    assert [line.split() for line in table[1:]] == [
        [name, clips, "100.0", "%", "+0.3878"] for name, clips in (("a", "10"), ("b", "10"), ("all", "20"))
    ]
