"""Accuracy, sizes and latency after each step of a compression, measured once and kept."""

import hashlib
import json
import statistics
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.atomic import read_checked, write_checked
from asc_tf.complexity.keras_account import keras_account
from asc_tf.compression.kernels import effective_kernels
from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import device_changes, device_metrics, predictions_frame
from asc_tf.evaluation.report import changes_table, steps_table
from asc_tf.experiment.run_folder import read_csv, write_checked_csv
from asc_tf.export.agreement import DisagreementError
from asc_tf.runtime.latency import latencies, latency_ratio
from asc_tf.stages.exporting import write_file

COLUMNS = (
    "step", "accuracy", "log_loss", "worst_change", "parameters", "kernel_nonzeros", "nonzero_bytes", "format",
    "file_bytes", "latency_ms", "latency_ratio",
)  # fmt: skip
_CHANGES = ("device", "step", "accuracy", "log_loss", "accuracy_change", "log_loss_change")
_ROUNDS, _RUNS = 31, 3


class StepTable:
    """Measures the network after each step; rewrites steps.csv, step_devices.csv and layers.csv each time.

    Measurements are kept in the step's folder, measured.json beside the .tflite file, and are read back as long as the
    file exists and the network has the measured weights.

    Args:
        out: run folder of the compressed network.
        experiment: the `Experiment` of the original run, with features.
        report: called with lines for the user.

    Attributes:
        rows: a dict with some of COLUMNS for each step so far.
    """

    def __init__(self, out, experiment, report):
        self.out, self.experiment, self.report = out, experiment, report
        self.rows, self._devices, self._nonzeros, self._weights = [], {}, {}, {}

    def finish(self, name, model, types, format):
        """Measure a network, or read its measurements back.

        Args:
            name: of the step.
            model: plain network.
            types: present types of the parameters, for `Account.with_types`.
            format: their present format, as for `asc_tf export`.
        """
        folder = self.out / name.replace(" ", "-")
        digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
        measured = _kept(folder, digest)
        if measured is None:
            measured = {"weights": digest, **self._measured(name, model, types, folder, format)}
            write_checked(folder / "measured.json", json.dumps(measured, indent=1) + "\n")
        self.rows.append(measured["row"])
        self._nonzeros[name] = measured["nonzeros"]
        self._weights = {layer: kernel.size for layer, kernel in effective_kernels(model).items()}
        if measured["devices"]:
            self._devices[name] = pd.DataFrame.from_dict(measured["devices"], orient="index")
        row = measured["row"]
        self._write()
        self.report(f"{name}: {row['kernel_nonzeros']:,} non-zeros in kernels, {row['nonzero_bytes']:,} bytes")

    def frame(self):
        """All rows, NaN where nothing could be measured."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def _measured(self, name, model, types, folder, format):
        nonzeros = {layer: int(np.count_nonzero(kernel)) for layer, kernel in effective_kernels(model).items()}
        account = keras_account(model, self.experiment.dataset.clip_seconds).with_types(types)
        devices = self._on_validation(model)
        row = {"step": name}
        if devices is not None:
            first = next(iter(self._devices.values()), devices)
            row |= devices.loc["all", ["accuracy", "log_loss"]].to_dict()
            row["worst_change"] = float((devices.accuracy - first.accuracy).drop("all").min())
        row |= {
            "parameters": account.trainable_parameters(),
            "kernel_nonzeros": sum(nonzeros.values()),
            "nonzero_bytes": sum(tensor.nonzero_bytes for tensor in account.parameters() if tensor.kind != "statistic"),
            "format": format,
            **self._file(name, model, folder / "model.tflite", format),
        }
        return {"row": row, "devices": {} if devices is None else devices.to_dict("index"), "nonzeros": nonzeros}

    def _on_validation(self, model):
        """Frame of `device_metrics`, or None without a validation part. All its devices are seen ones."""
        data, rows = self.experiment, self.experiment.validation
        if not len(rows):
            return None
        with reading(data.features):
            batches = evaluation_batches(data.features, data.labels, len(data.dataset.scenes), rows=rows)
            logits = model.predict(batches, verbose=0)
        predictions = predictions_frame(data.clips.iloc[rows], logits, data.dataset.scenes)
        return device_metrics(predictions, data.dataset.seen_devices).drop("seen")

    def _file(self, name, model, path, format):
        """Bytes and latency of the file from features to probabilities; nothing if it disagrees with the network."""
        clips, held_out = self.experiment.clips, self.experiment.validation
        training = clips.iloc[self.experiment.recorded]
        checked = clips.iloc[held_out] if len(held_out) else training
        self.report(f"{name}: converting to {format} .tflite")
        try:
            write_file(path, model, self.experiment, checked, training, format, "features")
        except DisagreementError as error:
            path.unlink(missing_ok=True)
            self.report(f"{name}: no {format} file: {error}")
            return {}
        files = {"uncompressed": self.out / "uncompressed" / path.name, name: path}
        contents = {step: file.read_bytes() for step, file in files.items() if file.is_file()}
        times = latencies(contents, _ROUNDS, _RUNS)
        measured = {"file_bytes": len(contents[name]), "latency_ms": statistics.median(times[name])}
        if "uncompressed" in times:
            measured["latency_ratio"] = latency_ratio(times[name], times["uncompressed"])
        return measured

    def _write(self):
        write_checked_csv(self.out / "steps.csv", self.frame())
        if self._devices:
            write_checked_csv(self.out / "step_devices.csv", device_changes(self._devices))
        layers = pd.DataFrame({"weights": self._weights, **self._nonzeros})
        write_checked_csv(self.out / "layers.csv", layers.rename_axis("layer").reset_index())


def _kept(folder, digest):
    """The measurements of these weights, or None; without a file they are incomplete."""
    try:
        measured = json.loads(read_checked(folder / "measured.json"))
        whole = {*measured["row"]} <= {*COLUMNS} and {"kernel_nonzeros", "nonzero_bytes"} <= {*measured["row"]}
        whole = whole and all(isinstance(measured[name], dict) for name in ("row", "devices", "nonzeros"))
        return measured if whole and measured["weights"] == digest and (folder / "model.tflite").is_file() else None
    except (AscError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def compression_text(out):
    """Tables of a compression: non-zeros of each kernel, change on every device, and the other results of each step."""
    out = Path(out)
    layers = read_csv(out / "layers.csv", ("layer", "weights"), text=("layer",))
    steps = read_csv(out / "steps.csv", COLUMNS, text=("step", "format"))
    devices = out / "step_devices.csv"
    lines = [f"non-zeros of each kernel\n{layers.to_string(index=False)}"]
    if devices.is_file():
        changes = changes_table(read_csv(devices, _CHANGES, text=("device", "step")))
        lines.append(f"on the validation part, change against the uncompressed network in brackets\n{changes}")
    else:
        lines.append("no validation part (data.validation_fraction=0): no accuracy after the steps")
    title = "after every step; accuracy, log loss and the worst device's change on the validation part, one thread"
    return "\n\n".join([*lines, f"{title}\n{steps_table(steps)}"])
