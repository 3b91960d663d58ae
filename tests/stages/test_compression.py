"""asc-tf compress: the chain, its table, going on, and what it refuses."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.compression.kernels import effective_kernels
from asc_tf.compression.pruning import strip_pruning
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model
from asc_tf.export.agreement import DisagreementError
from asc_tf.runtime import Classifier
from asc_tf.stages import Compression, compression, compression_steps

SETTINGS = Compression(prune=0.5, epochs=1)


@pytest.fixture(scope="module")
def compressed(smallest_run, eager, tmp_path_factory):
    out = tmp_path_factory.mktemp("compressed") / "run"
    return out, stages.compress(smallest_run, out, SETTINGS, report=lambda line: None)


@pytest.fixture(autouse=True)
def no_conversion(smallest_file, eager, monkeypatch):
    """One file for every step; `compressed` is made before this begins, with files of its own."""

    def copy(path, *arguments):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(smallest_file, path)

    monkeypatch.setattr(compression_steps, "write_file", copy)


@pytest.mark.slow
def test_the_table_follows_the_chain(compressed, smallest_run):
    out, table = compressed
    assert list(table.step) == ["uncompressed", "pruned", "quantized", "half precision"]
    kernels = {
        name: kernel.size
        for name, kernel in effective_kernels(keras.models.load_model(smallest_run / "last.keras")).items()
    }
    kept = round(sum(kernels.values()) / 2)
    assert list(table.kernel_nonzeros[1:]) == [kept] * 3
    rest = table.parameters[0] - sum(kernels.values())
    assert table.nonzero_bytes.iloc[-1] == kept + 2 * rest
    pd.testing.assert_frame_equal(pd.read_csv(out / "steps.csv"), table, check_exact=False)
    layers = pd.read_csv(out / "layers.csv").set_index("layer")
    assert layers.weights.to_dict() == kernels
    assert list(layers.columns[1:]) == list(table.step)
    assert list(layers[table.step].sum()) == list(table.kernel_nonzeros)


@pytest.mark.slow
def test_every_step_has_a_file_in_the_format_it_has_reached(compressed):
    out, table = compressed
    assert list(table.format) == ["float", "float", "float", "float16"]
    for row in table.itertuples():
        path = out / row.step.replace(" ", "-") / "model.tflite"
        metadata = Classifier(path).metadata
        assert (metadata.input, metadata.format) == ("features", row.format)
        assert row.file_bytes == path.stat().st_size and row.latency_ms > 0 and row.latency_ratio > 0
    assert table.latency_ratio[0] == 1


@pytest.mark.slow
def test_every_device_is_compared_with_the_uncompressed_network(compressed):
    out, table = compressed
    devices = pd.read_csv(out / "step_devices.csv")
    assert list(devices.step.unique()) == list(table.step)
    steps = {step: frame.set_index("device") for step, frame in devices.groupby("step")}
    first = steps["uncompressed"]
    for row in table.itertuples():
        frame = steps[row.step]
        assert "all" in frame.index and len(frame) > 2 and not {"seen", "unseen"} & set(frame.index)
        assert frame.log_loss["all"] == pytest.approx(row.log_loss)
        for name in ("accuracy", "log_loss"):
            np.testing.assert_allclose(frame[f"{name}_change"], frame[name] - first[name], atol=1e-9)
        assert frame.accuracy_change.drop("all").min() == pytest.approx(row.worst_change)
    assert (steps["pruned"].log_loss_change != 0).all()


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_compressed_network_is_a_run(compressed):
    assert "accuracy %" in stages.evaluate(compressed[0])


@pytest.mark.slow
def test_the_same_call_again_trains_nothing(compressed, smallest_run):
    lines = []
    table = stages.compress(smallest_run, compressed[0], SETTINGS, report=lines.append)
    pd.testing.assert_frame_equal(table, compressed[1])
    assert not any("epoch" in line or "converting" in line for line in lines)


@pytest.mark.slow
def test_other_weights_are_measured_anew(compressed, smallest_run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(compressed[0], out)
    measured = out / "pruned" / "measured.json"
    shutil.copy(out / "uncompressed" / "measured.json", measured)
    (out / "half-precision" / "model.tflite").unlink()
    lines = []
    table = stages.compress(smallest_run, out, SETTINGS, report=lines.append)
    assert [line.split(":")[0] for line in lines if "converting" in line] == ["pruned", "half precision"]
    assert list(table.kernel_nonzeros) == list(compressed[1].kernel_nonzeros)


def test_a_file_that_disagrees_leaves_its_columns_open(smallest_run, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise DisagreementError("too far off")

    monkeypatch.setattr(compression_steps, "write_file", refuse)
    lines = []
    table = stages.compress(smallest_run, tmp_path / "out", Compression(prune=0, weights="fp16"), report=lines.append)
    assert table[["file_bytes", "latency_ms", "latency_ratio"]].isna().all(axis=None)
    assert "half precision: no float16 file: too far off" in lines
    assert table.accuracy.notna().all()
    assert stages.compression_text(tmp_path / "out").splitlines()[-1].split()[-4:] == ["float16", "-", "-", "-"]


@pytest.mark.slow
def test_the_command_ends_in_tables_and_one_look_at_the_test_part(compressed, smallest_run, capsys):
    out = compressed[0]
    assert main(["compress", str(smallest_run), "--out", str(out), "--prune", "0.5", "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    steps, test = printed.split("\non the test part\n")
    assert [name in steps for name in ("classifier", "on the validation part", "bytes by the 2021 rule")] == [True] * 3
    changes = pd.read_csv(out / "test_changes.csv").set_index(["step", "device"])
    for step, run in (("uncompressed", smallest_run), ("compressed", out)):
        expected = json.loads((run / "metrics.json").read_text())["devices"]
        assert changes.loc[step].log_loss.to_dict() == pytest.approx({k: v["log_loss"] for k, v in expected.items()})
    change = changes.log_loss["compressed", "s4"] - changes.log_loss["uncompressed", "s4"]
    assert changes.log_loss_change["compressed", "s4"] == pytest.approx(change)
    assert f"({change:+.3f})" in test


def as_if_trained_so(run, config):
    """Give a run other settings, as if it had been trained with them: without checksums and the clips' digest."""
    (run / "SHA256SUMS").unlink(missing_ok=True)
    (run / "config.json").write_text(json.dumps(config))
    dataset = json.loads((run / "dataset.json").read_text())
    dataset.pop("clips_sha256")
    (run / "dataset.json").write_text(json.dumps(dataset))


def test_half_precision_alone_of_a_run_without_parts_to_measure_on(smallest_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(smallest_run, run)
    config = json.loads((run / "config.json").read_text())
    config["data"] |= {"split": "full", "validation_fraction": 0.0}
    as_if_trained_so(run, config)
    flags = ["--prune", "0", "--weights", "fp16"]
    assert main(["compress", str(run), "--out", str(tmp_path / "out"), *flags]) == 0
    printed = capsys.readouterr().out
    assert "no validation part (data.validation_fraction=0)" in printed
    assert "trained on the test part too (data.split=full)" in printed
    steps = pd.read_csv(tmp_path / "out" / "steps.csv")
    assert list(steps.step) == ["uncompressed", "half precision"]
    assert steps.nonzero_bytes[1] * 2 == steps.nonzero_bytes[0]
    assert json.loads((tmp_path / "out" / "compression.json").read_text())["weights"] == "fp16"
    assert steps[["accuracy", "log_loss", "worst_change"]].isna().all(axis=None) and steps.latency_ms.notna().all()
    assert not (tmp_path / "out" / "step_devices.csv").exists()


@pytest.mark.slow
def test_goes_on_after_the_step_that_had_ended(compressed, smallest_run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(compressed[0], out)
    shutil.rmtree(out / "quantized")
    (out / "last.keras").unlink()
    lines = []
    table = stages.compress(smallest_run, out, SETTINGS, report=lines.append)
    assert [line for line in lines if "additional" in line] == ["quantized: additional training, epochs: 1"]
    assert list(table.kernel_nonzeros) == list(compressed[1].kernel_nonzeros)


@pytest.mark.slow
def test_other_settings_are_refused(compressed, smallest_run):
    with pytest.raises(AscError, match="other settings"):
        stages.compress(smallest_run, compressed[0], Compression(prune=0.6, epochs=1))


@pytest.mark.slow
def test_folders_of_before_and_damaged_ones(compressed, smallest_run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(compressed[0], out)
    path = out / "compression.json"
    asked = json.loads(path.read_text())
    del asked["schedule"], asked["scope"]
    (out / "SHA256SUMS").unlink()
    path.write_text(json.dumps(asked))
    stages.compress(smallest_run, out, dataclasses.replace(SETTINGS, scope="global"), report=lambda line: None)
    path.write_text("{")
    with pytest.raises(AscError, match="compression.json: (cannot be read|is damaged)"):
        stages.compress(smallest_run, out, SETTINGS)


def test_a_folder_of_something_else_is_refused(smallest_run, tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(AscError, match="holds no compression"):
        stages.compress(smallest_run, tmp_path, SETTINGS)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--prune", "1"], "--prune 1.0: expected a value from 0 to 0.999"),
        (
            ["--prune", "0.5", "--schedule", "gradual", "--epochs", "-1"],
            "--epochs -1: expected a value from 1",
        ),
        (["--epochs", "0"], "--epochs 0: expected a value from 1 to 100,000"),
        (["--weights", "fp16", "--activations", "int8"], "--weights fp16; expected --weights int8"),
        (["--teacher", "nowhere"], "no such file"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(flags, sentence, smallest_run, tmp_path, capsys):
    assert main(["compress", str(smallest_run), "--out", str(tmp_path / "out"), *flags]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and "\n" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_interrupted_step_goes_on_as_if_it_had_not_been(smallest_run, tmp_path):
    # Gradual pruning: its masks and its place in the schedule are of what must be gone on with.
    settings = Compression(prune=0.5, weights="fp16", epochs=2, schedule="gradual")

    def stop(line):
        if line.startswith("epoch 1/2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.compress(smallest_run, tmp_path / "broken", settings, report=stop)
    lines = []
    stages.compress(smallest_run, tmp_path / "broken", settings, report=lines.append)
    assert "going on after epoch 1" in lines
    stages.compress(smallest_run, tmp_path / "whole", settings, report=lambda line: None)
    broken, whole = (
        keras.models.load_model(tmp_path / name / "last.keras").get_weights() for name in ("broken", "whole")
    )
    for one, other in zip(broken, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)
    layers = pd.read_csv(tmp_path / "broken" / "layers.csv").set_index("layer")
    assert layers["half precision"].to_dict() == {name: round(size / 2) for name, size in layers.weights.items()}


def test_a_teacher_of_other_features_is_refused(smallest_run, tmp_path):
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    shutil.copy(smallest_run / "dataset.json", teacher)
    config = json.loads((smallest_run / "config.json").read_text())
    config["frontend"]["hop_ms"] += 1
    (teacher / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
    (teacher / "config.json").write_text(json.dumps(config))
    with pytest.raises(AscError, match="teacher: has other scenes, clips or features than the run"):
        stages.compress(smallest_run, tmp_path / "out", Compression(teacher=str(teacher)))
    with pytest.raises(AscError, match=r"--teacher logits\.csv: is a file; expected a run"):
        stages.compress(smallest_run, tmp_path / "out", Compression(teacher="logits.csv"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_teacher_that_has_heard_a_device_that_is_left_out_is_named(smallest_run, tmp_path):
    run, lines = shutil.copytree(smallest_run, tmp_path / "run"), []
    config = json.loads((run / "config.json").read_text())
    config["data"]["leave_out"] = ["s1"]
    as_if_trained_so(run, config)
    stages.compress(
        run, tmp_path / "out", Compression(prune=0, weights="fp16", teacher=str(smallest_run)), report=lines.append
    )
    assert f"{smallest_run}: the teacher has heard device s1, which its student leaves out (data.leave_out)" in lines


def test_nearly_all_may_be_pruned(smallest_run):
    """Beyond the share that every kernel keeps otherwise."""
    wrapped = compression._pruning(load_model(smallest_run), Compression(prune=0.99), steps=1)
    kernels = effective_kernels(strip_pruning(wrapped)).values()
    kept = sum(np.count_nonzero(kernel) for kernel in kernels) / sum(kernel.size for kernel in kernels)
    assert 0.01 <= kept < 0.05
