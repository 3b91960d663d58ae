"""ONNX export: what it says, that it agrees, and what it refuses."""

import json
import sys

import numpy as np
import pytest

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.export import onnx


@pytest.fixture(scope="module")
def exported(smallest_run, tmp_path_factory):
    for name in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(name, reason="the extra onnx is not installed")
    return stages.export(smallest_run, tmp_path_factory.mktemp("onnx") / "model.onnx", format="onnx", input="features")


def test_the_file_agrees_with_keras(exported):
    _, _, agreement = exported
    assert agreement.difference < 1e-5 and len(agreement.found) == 18
    assert len(set(agreement.devices)) == 9


def test_the_file_knows_its_labels(exported, smallest_run):
    import onnxruntime

    session = onnxruntime.InferenceSession(exported[0])
    ((taken,), (given,)) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape, given.name, given.shape) == ("features", [1, 32, 34, 1], "probabilities", [1, 10])
    metadata = json.loads(session.get_modelmeta().custom_metadata_map[onnx.METADATA_KEY])
    config, dataset = read_run(smallest_run)
    assert metadata["labels"] == list(dataset.scenes)
    assert (metadata["frontend"]["class"], metadata["frontend"]["mel_bins"]) == ("LogMel", 32)
    assert (metadata["sample_rate_hz"], metadata["samples"], metadata["input"]) == (16000, 16000, "features")


@pytest.mark.slow
def test_a_file_that_disagrees_is_not_written(exported, smallest_run, tmp_path, monkeypatch, capsys):
    other = load_model(smallest_run)
    for weight in other.trainable_weights:
        weight.assign(weight + 0.3 * np.random.default_rng(0).normal(size=weight.shape))
    convert = onnx._converted
    monkeypatch.setattr(onnx, "_converted", lambda model, shape: convert(other, shape))
    path = tmp_path / "model.onnx"
    assert main(["export", str(smallest_run), "--out", str(path), "--format", "onnx", "--input", "features"]) == 1
    assert "disagrees with the Keras model" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_waveforms_are_refused(smallest_run, tmp_path, capsys):
    assert main(["export", str(smallest_run), "--out", str(tmp_path / "model.onnx"), "--format", "onnx"]) == 1
    error = capsys.readouterr().err.strip()
    assert error == "asc-tf: --input waveform: an ONNX file takes features only; expected --input features"


def test_without_the_extra_a_sentence_says_so(smallest_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    flags = ["--out", str(tmp_path / "model.onnx"), "--format", "onnx", "--input", "features"]
    assert main(["export", str(smallest_run), *flags]) == 1
    error = capsys.readouterr().err.strip()
    assert "needs tf2onnx; install it by: pip install 'asc-tf[onnx]'" in error and "\n" not in error
    assert list(tmp_path.iterdir()) == []
