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
from asc_tf.stages.preconditions import check_compression
from asc_tf.stages.teacher import report_advantages
from asc_tf.stages.training import fit
from asc_tf.training.distillation import DistilledModel
from asc_tf.training.fit import save_model
from asc_tf.training.seeding import set_seed

# Of the additional training: the highest learning rate and the epochs, as shares of the training's own. The papers do
# not say. A network that lost nine tenths of its weights learns anew; one whose weights were rounded is only adjusted.
TRAININGS = {"pruned": (1.0, 1.0), "quantized": (0.1, 0.25)}
_MASKS = 100  # that gradual pruning makes, about
BYTES = {"int8": {"kernel": "int8", "rest": "float16"}, "fp16": {"rest": "float16"}}


def compress(run, out, settings, report=print):
    """Compress the network of a run into a run folder of its own, or go on with an interrupted compression.

    One step after the other: pruning, 8-bit kernels; after each the network is trained on the run's own batches with
    the teacher's help. At the end what is not in 8 bits is rounded to half precision. After each step the network is
    measured: steps.csv, step_devices.csv (every device of the validation part, with the change against the
    uncompressed network) and layers.csv (non-zeros of each kernel). The test part is left to `evaluate_changes`.

    The file that a step is measured in is what `asc-tf export --input features` writes in the format that the
    parameters have come to: float; int8 once kernels and feature maps are trained for it; at the end, else, float16.
    No runtime of ours has kernels of 8 bits and feature maps in float, so those kernels are float numbers there, on
    their grid; nor does a file of ours leave zeros out. Latency is that of LiteRT on one thread, on noise of a
    clip's length.

    Args:
        run: folder of a trained run, which stays as it is.
        out: run folder of the compressed network.
        settings: a `Compression`.
        report: called with lines for the user.

    Returns:
        The frame of steps.csv: accuracy in percent and log loss on the validation part and, of the device that changes
        most for the worse there, the change of accuracy (NaN where the run holds no part out); parameters; non-zeros of
        the kernels; bytes by the papers' account of the 2021 rule, of all non-zero parameters, each at the width that
        the step has brought it to (moving statistics do not count: they fold into what is beside them); format and
        bytes of the step's .tflite file, milliseconds and their ratio to the uncompressed file's, measured in turns
        (NaN where an int8 file disagrees with the network beyond `agreement.BOUNDS`).

    Raises:
        AscError: not a trained run, a teacher of other scenes or features, settings out of range, clips that the
            metadata tells of otherwise than when the run was trained; `out` holds something else or is being written.
    """
    with exclusive(out):
        return _compress(Path(run), Path(out), settings, report)


def _compress(run, out, settings, report):
    check_compression(run, out, settings)
    config, dataset = read_run(run)
    asked = {"run": str(run.resolve()), **dataclasses.asdict(settings)}
    of = "a compression of another run or other settings"
    claim(out / "compression.json", asked, "compression", of, before={"schedule": "one-shot", "scope": "global"})
    experiment = Experiment.again(config, dataset)
    check_trained(run, dataset, experiment.trained)
    experiment = experiment.with_features(run, report)
    steps = _Steps(out, experiment, settings.epochs or config.train.epochs, report)
    whole = "int8" if settings.activations == "int8" else None
    model = load_model(run)
    teacher = load_model(settings.teacher or run)
    if settings.teacher:
        report_advantages(settings.teacher, config, report)
    steps.table.finish("uncompressed", model, {}, "float")
    if settings.prune:
        wrap = functools.partial(_pruning, model, settings)
        model = steps.train("pruned", wrap, strip_pruning, teacher)
        report(f"pruned: of the weights kept, {idle_weights(model):,} are on no path from input to output")
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
    """The model wrapped for so many steps of additional training."""
    if settings.schedule == "one-shot":
        return prune(model, settings.prune, settings.scope, min(FLOOR, 1 - settings.prune))
    half = max(1, steps // 2)
    frequency = max(1, half // _MASKS)
    return prune_gradually(model, settings.prune, 0, half // frequency * frequency, frequency=frequency)


class _Steps:
    """Trains one step after the other, and has it measured; a step that has ended is read back."""

    def __init__(self, out, experiment, epochs, report):
        self.out, self.experiment, self.epochs, self.report = out, experiment, epochs, report
        self.table = StepTable(out, experiment, report)

    def train(self, name, wrap, strip, teacher):
        """Additional training of what `wrap` makes, given the steps of that training; returns it stripped."""
        folder = self.out / name
        path = folder / "stripped.keras"
        if path.is_file():
            return read_network(path)
        config = self._scheduled(name)
        self.report(f"{name}: additional training, epochs: {config.train.epochs}")
        set_seed(config.seed, config.deterministic)
        wrapped = wrap(config.train.epochs * math.ceil(len(self.experiment.training) / config.train.batch_size))
        fit(folder, self.experiment.with_config(config), DistilledModel(wrapped, teacher), self.report)
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
