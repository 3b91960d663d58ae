"""asc-tf compress: the chain, its table, going on, and what it refuses."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.compression.kernels import effective_kernels
from asc_tf.errors import AscError
from asc_tf.stages import Compression

SETTINGS = Compression(prune=0.5, epochs=1)


@pytest.fixture(scope="module")
def compressed(tiny_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("compressed") / "run"
    return out, stages.compress(tiny_run, out, SETTINGS, report=lambda line: None)


def test_the_table_follows_the_chain(compressed, tiny_run):
    out, table = compressed
    assert list(table.step) == ["uncompressed", "pruned", "quantized", "half precision"]
    kernels = {
        name: kernel.size
        for name, kernel in effective_kernels(keras.models.load_model(tiny_run / "last.keras")).items()
    }
    kept = round(sum(kernels.values()) / 2)
    assert list(table.kernel_nonzeros[1:]) == [kept] * 3
    rest = table.parameters[0] - sum(kernels.values())
    assert table.nonzero_bytes.iloc[-1] == kept + 2 * rest
    pd.testing.assert_frame_equal(pd.read_csv(out / "steps.csv"), table, check_exact=False)
    layers = pd.read_csv(out / "layers.csv").set_index("layer")
    assert layers.weights.to_dict() == kernels and layers.nonzeros.sum() == kept


def test_kernels_lie_on_their_grid_and_all_else_is_of_half_precision(compressed):
    model = keras.models.load_model(compressed[0] / "last.keras")
    kernels = effective_kernels(model)
    for name, kernel in kernels.items():
        axes = (0, 1) if kernel.ndim == 4 and "Depthwise" in type(model.get_layer(name)).__name__ else (0, 1, 2)
        step = np.abs(kernel).max(axis=axes, keepdims=True) / 127
        ratio = np.divide(kernel, step, out=np.zeros_like(kernel), where=step > 0)
        np.testing.assert_allclose(ratio, np.round(ratio), atol=1e-3)
    for layer in model.layers:
        for weight in layer.weights:
            if "kernel" not in weight.name:
                np.testing.assert_array_equal(weight, weight.numpy().astype(np.float16).astype(weight.dtype.name))


def test_the_compressed_network_is_a_run(compressed):
    assert "accuracy %" in stages.evaluate(compressed[0])


def test_the_same_call_again_trains_nothing(compressed, tiny_run):
    lines = []
    table = stages.compress(tiny_run, compressed[0], SETTINGS, report=lines.append)
    pd.testing.assert_frame_equal(table, compressed[1])
    assert not any("epoch" in line for line in lines)


def test_goes_on_after_the_step_that_had_ended(compressed, tiny_run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(compressed[0], out)
    shutil.rmtree(out / "quantized")
    (out / "last.keras").unlink()
    lines = []
    table = stages.compress(tiny_run, out, SETTINGS, report=lines.append)
    assert [line for line in lines if "additional" in line] == ["quantized: additional training, epochs: 1"]
    assert list(table.kernel_nonzeros) == list(compressed[1].kernel_nonzeros)


def test_other_settings_are_refused(compressed, tiny_run):
    with pytest.raises(AscError, match="other settings"):
        stages.compress(tiny_run, compressed[0], Compression(prune=0.6, epochs=1))


def test_a_folder_of_something_else_is_refused(tiny_run, tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(AscError, match="holds no compression"):
        stages.compress(tiny_run, tmp_path, SETTINGS)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--prune", "1"], "--prune 1: expected 0 up to, but not including, 1"),
        (["--epochs", "0"], "--epochs 0: expected 1 or more"),
        (["--weights", "fp16", "--activations", "int8"], "--activations int8: needs --weights int8"),
        (["--teacher", "nowhere"], "no such file"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(flags, sentence, tiny_run, tmp_path, capsys):
    assert main(["compress", str(tiny_run), "--out", str(tmp_path / "out"), *flags]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and "\n" not in error
    assert not (tmp_path / "out").exists()


def test_half_precision_alone(tiny_run, tmp_path):
    table = stages.compress(tiny_run, tmp_path / "half", Compression(prune=0, weights="fp16"), report=lambda line: None)
    assert list(table.step) == ["uncompressed", "half precision"]
    assert table.nonzero_bytes[1] * 2 == table.nonzero_bytes[0]
    assert json.loads((tmp_path / "half" / "compression.json").read_text())["weights"] == "fp16"


def test_an_interrupted_step_goes_on_as_if_it_had_not_been(tiny_run, tmp_path):
    settings = Compression(prune=0.5, weights="fp16", epochs=2)

    def stop(line):
        if line.startswith("epoch 1/2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.compress(tiny_run, tmp_path / "broken", settings, report=stop)
    lines = []
    stages.compress(tiny_run, tmp_path / "broken", settings, report=lines.append)
    assert "going on after epoch 1" in lines
    stages.compress(tiny_run, tmp_path / "whole", settings, report=lambda line: None)
    broken, whole = (
        keras.models.load_model(tmp_path / name / "last.keras").get_weights() for name in ("broken", "whole")
    )
    for one, other in zip(broken, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_teacher_of_other_features_is_refused(tiny_run, tmp_path):
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    shutil.copy(tiny_run / "dataset.json", teacher)
    config = json.loads((tiny_run / "config.json").read_text())
    config["frontend"]["hop_ms"] += 1
    (teacher / "config.json").write_text(json.dumps(config))
    with pytest.raises(AscError, match="teacher: has other scenes, clips or features than the run"):
        stages.compress(tiny_run, tmp_path / "out", Compression(teacher=str(teacher)))
    assert not (tmp_path / "out").exists()


def test_nearly_all_may_be_pruned(tiny_run, tmp_path):
    settings = Compression(prune=0.99, weights="fp16", epochs=1)
    table = stages.compress(tiny_run, tmp_path / "run", settings, report=lambda line: None)
    kept = table.kernel_nonzeros / table.kernel_nonzeros[0]
    assert 0.01 <= kept[1] < 0.05 and kept[2] == kept[1]
