"""Compression of a trained network: pruning, 8-bit kernels, half precision, with distillation."""

import dataclasses
import functools
import math
from pathlib import Path

from asc_tf.atomic import exclusive
from asc_tf.compression.connectivity import idle_weights
from asc_tf.compression.half_precision import round_to_half
from asc_tf.compression.pruning import FLOOR, prune, prune_gradually, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import claim, load_model, read_run, write_settings
from asc_tf.experiment.trained_on import check_trained
from asc_tf.models.network_file import read_network
from asc_tf.stages.compression_steps import StepTable
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.fitting import fit
from asc_tf.stages.preconditions import check_compression
from asc_tf.stages.teacher import report_advantages
from asc_tf.stages.tracking import tracked
from asc_tf.training.distillation import DistilledModel
from asc_tf.training.fit import save_model
from asc_tf.training.seeding import set_seed

# Shares of the training's own highest learning rate and epochs, for the additional training; the papers state none. A
# network that lost nine tenths of its weights learns again; a network with rounded weights is only adjusted.
TRAININGS = {"pruned": (1.0, 1.0), "quantized": (0.1, 0.25)}
_MASKS = 100  # approximate number of masks that gradual pruning makes
BYTES = {"int8": {"kernel": "int8", "rest": "float16"}, "fp16": {"rest": "float16"}}


def compress(run, out, settings, report=print, tracker=None):
    """Compress a run's network into a separate run folder, or continue an interrupted compression.

    The steps are pruning, then 8-bit kernels; after each the network is trained on the run's own batches with the
    teacher's help. At the end everything that is not in 8 bits is rounded to half precision. After each step the
    network is measured: steps.csv, step_devices.csv (every device of the validation part, with the change against the
    uncompressed network) and layers.csv (non-zeros of each kernel). The test part is left to `evaluate_changes`.

    Each step is measured in the file that `asc-tf export --input features` writes in the present format of the
    parameters: float; int8 once kernels and feature maps are trained for it; otherwise float16 at the end. None of our
    runtimes has 8-bit kernels with float feature maps, so such kernels are float numbers on their grid there; our files
    do not leave out zeros. Latency is that of LiteRT on one thread, on noise of a clip's length.

    Args:
        run: folder of a trained run, which is not changed.
        out: run folder of the compressed network.
        settings: a `Compression`.
        report: called with lines for the user.
        tracker: of `train`.

    Returns:
        The frame of steps.csv: accuracy in percent and log loss on the validation part, and the change of accuracy on
        the device with the worst change there (NaN without a validation part); parameters; non-zeros of the kernels;
        bytes by the papers' account of the 2021 rule, of all non-zero parameters at their present width (moving
        statistics do not count, since they are folded); format and bytes of the step's .tflite file, milliseconds and
        their ratio to the uncompressed file's, measured in turns (NaN if an int8 file disagrees with the network beyond
        `agreement.BOUNDS`).

    Raises:
        AscError: not a trained run, a teacher of other scenes or features, settings out of range, or metadata that
            changed since the run was trained; `out` holds something else or is being written.
    """
    asked = {f"compression.{name}": value for name, value in dataclasses.asdict(settings).items()}
    with exclusive(out), tracked(out, tracker, report, asked) as tracking:
        return _compress(Path(run), Path(out), settings, report, tracking)


def _compress(run, out, settings, report, tracking):
    check_compression(run, out, settings)
    config, dataset = read_run(run)
    asked = {"run": str(run.resolve()), **dataclasses.asdict(settings)}
    of = "a compression of another run or other settings"
    claim(out / "compression.json", asked, "compression", of, before={"schedule": "one-shot", "scope": "global"})
    experiment = Experiment.again(config, dataset)
    check_trained(run, dataset, experiment.trained)
    experiment = experiment.with_features(run, report)
    steps = _Steps(out, experiment, settings.epochs or config.train.epochs, report, tracking)
    whole = "int8" if settings.activations == "int8" else None
    model = load_model(run)
    teacher = load_model(settings.teacher or run)
    if settings.teacher:
        report_advantages(settings.teacher, config, report)
    steps.table.finish("uncompressed", model, {}, "float")
    if settings.prune:
        wrap = functools.partial(_pruning, model, settings)
        model = steps.train("pruned", wrap, strip_pruning, teacher)
        report(f"pruned: {idle_weights(model):,} of the weights kept are on no path from input to output")
        steps.table.finish("pruned", model, {}, "float")
    if settings.weights == "int8":
        activations = settings.activations == "int8"
        model = steps.train("quantized", lambda _: quantize(model, activations), strip_quantization, teacher)
        steps.table.finish("quantized", model, {"kernel": "int8"}, whole or "float")
    try:
        round_to_half(model, kernels=settings.weights == "fp16")
    except ValueError as error:
        raise AscError(f"{run}: cannot be stored in half precision: {error}") from error
    steps.table.finish("half precision", model, BYTES[settings.weights], whole or "float16")
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, select="last"))
    write_settings(out, config, dataset, experiment.trained)
    save_model(model, out / "last.keras")
    return steps.table.frame()


def _pruning(model, settings, steps):
    """The model wrapped for this many steps of additional training."""
    if settings.schedule == "one-shot":
        return prune(model, settings.prune, settings.scope, min(FLOOR, 1 - settings.prune))
    half = max(1, steps // 2)
    frequency = max(1, half // _MASKS)
    return prune_gradually(model, settings.prune, 0, half // frequency * frequency, frequency=frequency)


class _Steps:
    """Trains the steps one after the other, each followed by its measurement; finished steps are read back."""

    def __init__(self, out, experiment, epochs, report, tracking):
        self.out, self.experiment, self.epochs = out, experiment, epochs
        self.report, self.tracking = report, tracking
        self.table = StepTable(out, experiment, report)

    def train(self, name, wrap, strip, teacher):
        """Additional training of the model that `wrap` makes for the given number of steps; returns it stripped."""
        folder = self.out / name
        path = folder / "stripped.keras"
        if path.is_file():
            return read_network(path)
        config = self._scheduled(name)
        self.report(f"{name}: additional training, epochs: {config.train.epochs}")
        set_seed(config.seed, config.deterministic)
        wrapped = wrap(config.train.epochs * math.ceil(len(self.experiment.training) / config.train.batch_size))
        student = DistilledModel(wrapped, teacher)
        fit(folder, self.experiment.with_config(config), student, self.report, tracking=self.tracking, phase=name)
        model = strip(wrapped)
        save_model(model, path)
        return model

    def _scheduled(self, name):
        """The run's settings with the step's learning rate and epochs."""
        rate, share = TRAININGS[name]
        whole = self.experiment.config
        settings = whole.train
        epochs = max(1, round(self.epochs * share))
        settings = dataclasses.replace(
            settings,
            learning_rate=rate * settings.learning_rate,
            epochs=epochs,
            warmup_epochs=min(settings.warmup_epochs, epochs - 1),
        )
        return dataclasses.replace(whole, train=settings)
