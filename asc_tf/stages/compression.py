"""Compression of a trained network: pruning, 8-bit kernels, half precision, with distillation."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import tf_keras as keras

from asc_tf.atomic import write_text
from asc_tf.build import waveform_augmentation
from asc_tf.compression.complexity import keras_account
from asc_tf.compression.half_precision import round_to_half
from asc_tf.compression.kernels import effective_kernels
from asc_tf.compression.pruning import FLOOR, prune, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.data.loader import evaluation_batches, label_indices, reading
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import device_metrics, predictions_frame
from asc_tf.run_folder import load_model, read_run, write_csv, write_settings
from asc_tf.stages.features import features_of, with_translated
from asc_tf.stages.training import fit, split_clips
from asc_tf.training.distillation import DistilledModel
from asc_tf.training.fit import save_model
from asc_tf.training.seeding import set_seed

# Highest learning rate of the additional training, as a share of the training's own; the papers do not say.
RATES = {"pruned": 0.5, "quantized": 0.1}
BYTES = {"int8": {"kernel": "int8", "rest": "float16"}, "fp16": {"rest": "float16"}}


@dataclasses.dataclass(frozen=True)
class Compression:
    """What to do to a network."""

    prune: float = 0.89
    """share of the kernels' weights to prune; 0 prunes none"""
    weights: str = "int8"
    """type of the kernels: int8, or fp16 as everything else"""
    activations: str = "float"
    """of feature maps while the kernels are trained in 8 bits: float or int8"""
    teacher: str | None = None
    """run folder of the teacher; None is the uncompressed network"""
    epochs: int | None = None
    """of additional training after each step; None is as many as the run had"""


def compress(run, out, settings, report=print):
    """Compress the network of a run into a run folder of its own, or go on with an interrupted compression.

    One step after the other: pruning by one threshold, 8-bit kernels; after each the network is trained on the run's
    own batches with the teacher's help. At the end what is not in 8 bits is rounded to half precision. Steps end with
    a row of steps.csv; the test part is left to `evaluate`.

    Args:
        run: folder of a trained run, which stays as it is.
        out: run folder of the compressed network.
        settings: `Compression`.
        report: called with lines for the user.

    Returns:
        The frame of steps.csv: accuracy in percent and log loss on the validation part and, of the device that changes
        most for the worse there, the change of accuracy (NaN where the run holds no part out); parameters; non-zeros of
        the kernels; bytes of all non-zero parameters, each at the width that the step has brought it to. Moving
        statistics do not count, as in the papers: they fold into what is beside them.

    Raises:
        AscError: not a trained run, a teacher of other scenes or features, settings out of range, or `out` holds
            something else.
    """
    run, out = Path(run), Path(out)
    config, dataset = read_run(run)
    check(settings, config, dataset)
    _claim(out, run, settings)
    steps = _Steps(run, out, config, dataset, settings, report)
    model = load_model(run)
    teacher = load_model(settings.teacher) if settings.teacher else load_model(run)
    steps.finish("uncompressed", model, {})
    if settings.prune:
        wrap = functools.partial(prune, model, settings.prune, floor=min(FLOOR, 1 - settings.prune))
        model = steps.train("pruned", wrap, strip_pruning, teacher, {})
    if settings.weights == "int8":
        wrap = functools.partial(quantize, model, activations=settings.activations == "int8")
        model = steps.train("quantized", wrap, strip_quantization, teacher, {"kernel": "int8"})
    try:
        round_to_half(model, kernels=settings.weights == "fp16")
    except ValueError as error:
        raise AscError(f"{run}: cannot be stored in half precision: {error}") from error
    steps.finish("half precision", model, BYTES[settings.weights])
    write_settings(out, dataclasses.replace(config, train=dataclasses.replace(config.train, select="last")), dataset)
    save_model(model, out / "last.keras")
    write_csv(out / "layers.csv", _layers(model))
    return pd.DataFrame(steps.rows)


def check(settings, config, dataset):
    """Raise an AscError for settings of a `Compression` that the run of a Config and Dataset cannot use."""
    if not 0 <= settings.prune < 1:
        raise AscError(f"--prune {settings.prune:g}: expected 0 up to, but not including, 1")
    if settings.epochs is not None and settings.epochs < 1:
        raise AscError(f"--epochs {settings.epochs}: expected 1 or more")
    if settings.activations == "int8" and settings.weights != "int8":
        raise AscError("--activations int8: needs --weights int8")
    if settings.teacher is not None:
        theirs, taught = read_run(settings.teacher)
        found = taught.scenes, taught.clip_seconds, theirs.frontend
        if found != (dataset.scenes, dataset.clip_seconds, config.frontend):
            raise AscError(
                f"--teacher {settings.teacher}: has other scenes, clips or features than the run to compress"
            )


def _claim(out, run, settings):
    """Write compression.json, or see that it is the same."""
    text = json.dumps({"run": str(run.resolve()), **dataclasses.asdict(settings)}, indent=2) + "\n"
    path = out / "compression.json"
    if path.is_file():
        if path.read_text() != text:
            raise AscError(f"{path}: is a compression of another run or other settings; give another --out folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AscError(f"{out}: is not empty and holds no compression; expected a new folder")
    else:
        write_text(path, text)


class _Steps:
    """Trains and measures one step after the other; a step that has ended is read back."""

    def __init__(self, run, out, config, dataset, settings, report):
        self.out, self.dataset, self.report = out, dataset, report
        epochs = settings.epochs or config.train.epochs
        warmup = min(config.train.warmup_epochs, epochs - 1)
        self.config = dataclasses.replace(
            config, train=dataclasses.replace(config.train, epochs=epochs, warmup_epochs=warmup)
        )
        self.clips, self.training, self.validation = split_clips(dataset.root, config)
        self.features = features_of(dataset.root, self.clips, config, run, dataset.clip_seconds, report)
        self.clips, self.training, self.features = with_translated(
            dataset.root, config, dataset.clip_seconds, self.clips, self.training, self.features
        )
        self.labels = label_indices(self.clips, dataset.scenes)
        self.rows, self.first = [], None

    def train(self, name, wrap, strip, teacher, types):
        """Additional training of what `wrap` returns; returns it stripped."""
        folder = self.out / name
        path = folder / "stripped.keras"
        if path.is_file():
            model = keras.models.load_model(path, compile=False)
        else:
            self.report(f"{name}: additional training, epochs: {self.config.train.epochs}")
            settings = self.config.train
            rate = settings.learning_rate * RATES[name]
            config = dataclasses.replace(self.config, train=dataclasses.replace(settings, learning_rate=rate))
            set_seed(config.seed, config.deterministic)
            wrapped = wrap()
            student = DistilledModel(wrapped, teacher)
            waveforms = waveform_augmentation(config)
            fit(folder, config, student, self.features, self.labels, self.training, self.validation, self.report,
                augment_waveforms=waveforms)  # fmt: skip
            model = strip(wrapped)
            save_model(model, path)
        self.finish(name, model, types)
        return model

    def finish(self, name, model, types):
        """Measure the network after a step."""
        kernels = effective_kernels(model).values()
        parameters = keras_account(model, self.dataset.clip_seconds).with_types(types).parameters()
        row = {
            "step": name,
            **self._validated(model),
            "parameters": sum(tensor.count for tensor in parameters if tensor.trainable),
            "kernel_nonzeros": sum(int(np.count_nonzero(kernel)) for kernel in kernels),
            "nonzero_bytes": sum(tensor.nonzero_bytes for tensor in parameters if tensor.kind != "statistic"),
        }
        self.rows.append(row)
        write_csv(self.out / "steps.csv", pd.DataFrame(self.rows))
        self.report(f"{name}: {row['kernel_nonzeros']:,} non-zeros in kernels, {row['nonzero_bytes']:,} bytes")

    def _validated(self, model):
        if not len(self.validation):
            return dict.fromkeys(("accuracy", "log_loss", "worst_change"), np.nan)
        with reading(self.features):
            batches = evaluation_batches(self.features, self.labels, len(self.dataset.scenes), rows=self.validation)
            logits = model.predict(batches, verbose=0)
        predictions = predictions_frame(self.clips.iloc[self.validation], logits, self.dataset.scenes)
        metrics = device_metrics(predictions, self.dataset.seen_devices)
        self.first = metrics if self.first is None else self.first
        changes = (metrics.accuracy - self.first.accuracy).drop(["seen", "all"])
        return {**metrics.loc["all", ["accuracy", "log_loss"]].to_dict(), "worst_change": changes.min()}


def _layers(model):
    """Of each kernel its weights and those that are not zero."""
    sizes = {name: (kernel.size, np.count_nonzero(kernel)) for name, kernel in effective_kernels(model).items()}
    return (
        pd.DataFrame.from_dict(sizes, orient="index", columns=["weights", "nonzeros"])
        .rename_axis("layer")
        .reset_index()
    )
