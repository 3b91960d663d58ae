"""`model.fit` that survives being killed."""

import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from asc_tf.atomic import whole_file
from asc_tf.distributed.replicas import gathered, is_chief, workers_of
from asc_tf.errors import AscError, DivergedError
from asc_tf.internals.tensorflow import replica_spec
from asc_tf.internals.tf_keras import build_metrics
from asc_tf.training.checkpoints import EpochCheckpoints, Progress
from asc_tf.training.extra_loss import ExtraLossModel
from asc_tf.training.precision import is_mixed, with_precision

_STEPS_BETWEEN_QUESTIONS = 10  # between questions whether to keep the state: each costs the workers a message


def resumable_fit(
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    steps_per_epoch: int,
    epochs: int,
    directory: str | os.PathLike,
    validation: tf.data.Dataset | None = None,
    best: str | os.PathLike | None = None,
    report: Callable[[str], object] = print,
    save_seconds: float = 300.0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    validation_steps: int | None = None,
) -> list[dict]:
    """Train a compiled model and keep its newest state on disk; continue from that state after an interruption.

    The state is kept after every epoch, and within an epoch every `save_seconds`. Later batches are trained again, so
    that a training that was killed and resumed has trained each batch once, in order, and its history equals that of an
    unbroken one.

    Args:
        model: compiled; metric "accuracy", if it has one, is reported.
        batches: function (start_step) to a tf.data of training batches, such as `training_batches`.
        steps_per_epoch: batches an epoch.
        epochs: total number, including those before an interruption.
        directory: of the checkpoints.
        validation: tf.data of validation batches, or None.
        best: path of the .keras file for the model of the lowest validation loss, or None.
        report: called with a line after each epoch.
        save_seconds: longest training time that a kill may cost; 0 keeps the state after every batch, infinity only
            after whole epochs.
        callbacks: Keras callbacks, called before the state is kept, so that their additions to an epoch's logs are kept
            too. A callback with a method `resume` gets the history so far.
        validation_steps: number of validation batches that replicas share, see `asc_tf.data.loader.evaluation_steps`;
            None for one process.

    A model of a `tf.distribute.Strategy` takes data from its `distribute_datasets_from_function`. If there are several
    workers, all must make the same call; only the chief writes.

    Returns:
        The history, one dict of logs per epoch.

    Raises:
        AscError: the loss is no longer finite, the disk is full, or the checkpoint is damaged or does not fit.
    """
    checkpoints = EpochCheckpoints(directory, model)
    begun = checkpoints.restore()
    history = begun.history
    keeper = _Keeper(checkpoints, begun, steps_per_epoch, epochs, best, report, save_seconds)
    for callback in callbacks:
        if hasattr(callback, "resume"):
            callback.resume(history)

    def fit(until, step=0):
        data = batches(len(history) * steps_per_epoch + step)
        _make_metrics(model, data.element_spec[1])
        try:
            model.fit(
                data,
                steps_per_epoch=steps_per_epoch - step,
                initial_epoch=len(history),
                epochs=until,
                validation_data=validation,
                validation_steps=validation_steps,
                callbacks=[*callbacks, keeper],
                verbose=0,
            )
        finally:
            keeper.bar.close()

    if len(history) < epochs and begun.step:
        if begun.steps_per_epoch != steps_per_epoch:
            raise AscError(
                f"{checkpoints.directory / begun.name}: is from epochs of {begun.steps_per_epoch} steps, "
                f"not {steps_per_epoch}; give the same data and batch size, or delete the folder to begin anew"
            )
        report(f"going on in epoch {len(history) + 1} after step {begun.step} of {steps_per_epoch}")
        fit(until=len(history) + 1, step=begun.step)
    elif history:
        report(f"going on after epoch {len(history)}")
    if len(history) < epochs:
        fit(until=epochs)
    return history


def save_model(model, path):
    """Write a model (for an `ExtraLossModel`, its network) in float32 as a .keras file, whole or not at all.

    All workers of a strategy must call it, since TensorFlow gathers the weights from all of them; the chief writes.
    """
    network = model.network if isinstance(model, ExtraLossModel) else model
    if is_mixed(network):
        with model.distribute_strategy.scope():
            network = with_precision(network, "float32")
    if not is_chief(model.distribute_strategy):
        with tempfile.TemporaryDirectory() as folder:
            network.save(f"{folder}/network.keras")
        return
    with whole_file(path) as part:
        network.save(part)


def _make_metrics(model, labels):
    """Make the variables of the metrics, for labels of a `tf.TensorSpec`, or a structure of several.

    Keras would make them at the first batch, and TensorFlow traces a function twice if it makes variables: a deep
    network would take several seconds more to start. A resumed epoch also fills them before its first batch.
    """

    def example(spec):
        spec = replica_spec(spec)
        return tf.zeros([length or 1 for length in spec.shape], spec.dtype)

    with model.distribute_strategy.scope():
        predictions, labels = (tf.nest.map_structure(example, specs) for specs in (model.output, labels))
        build_metrics(model, predictions, labels)


class _Keeper(keras.callbacks.Callback):
    """Keeps checkpoints and reports; `begun` is the progress at the start of the present epoch."""

    def __init__(self, checkpoints, begun, steps_per_epoch, epochs, best, report, save_seconds):
        super().__init__()
        self.checkpoints, self.begun, self.history = checkpoints, begun, begun.history
        self.steps_per_epoch, self.epochs, self.best = steps_per_epoch, epochs, best
        self.report, self.save_seconds = report, save_seconds
        self.seconds = []
        self.bar = tqdm(disable=True)

    def on_epoch_begin(self, epoch, logs=None):
        if self.begun.step:  # Keras has just set them to 0
            for metric, values in zip(self.model.metrics, self.begun.metrics, strict=True):
                # Those of older checkpoints have no confusion matrix, the last of the weights.
                metric.set_weights([*map(np.asarray, values), *metric.get_weights()[len(values) :]])
        self.kept = time.monotonic()
        self.start = self.kept - self.begun.seconds
        self.bar = tqdm(
            total=self.steps_per_epoch, initial=self.begun.step, desc=f"epoch {epoch + 1}/{self.epochs}",
            unit=" batches", leave=False, dynamic_ncols=True,
            disable=None if is_chief(self.model.distribute_strategy) else True,
        )  # fmt: skip

    def on_train_batch_end(self, batch, logs=None):
        self.bar.set_postfix_str(_results(logs, ""), refresh=False)
        self.bar.update()
        step = self.begun.step + batch + 1
        if step < self.steps_per_epoch and self._is_time_to_keep(step):
            self._check_finite(len(self.history), logs)
            metrics = [[value.tolist() for value in metric.get_weights()] for metric in self.model.metrics]
            seconds = time.monotonic() - self.start
            self.checkpoints.save(Progress(self.history, step, self.steps_per_epoch, seconds, metrics))
            self.kept = time.monotonic()

    def _is_time_to_keep(self, step):
        strategy = self.model.distribute_strategy
        if workers_of(strategy) > 1 and step % _STEPS_BETWEEN_QUESTIONS:
            return False
        # The chief's clock decides: all workers must keep the state of the same step.
        return gathered(strategy, int(time.monotonic() - self.kept >= self.save_seconds))[0]

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        logs = {name: float(value) for name, value in logs.items()}
        self._check_finite(epoch, logs)
        lowest = min((past["val_loss"] for past in self.history if "val_loss" in past), default=math.inf)
        if self.best and logs.get("val_loss", math.inf) < lowest:
            save_model(self.model, self.best)
        self.history.append(logs)
        self.begun = Progress(self.history)
        self.checkpoints.save(self.begun)
        self.seconds.append(time.monotonic() - self.start)
        self.report(self._line(epoch, logs))

    def _check_finite(self, epoch, logs):
        # ReLU turns NaN into 0, so that the loss can stay finite with ruined weights.
        if not all(np.isfinite(values).all() for values in (logs["loss"], *self.model.get_weights())):
            raise DivergedError(
                f"training diverged in epoch {epoch + 1}: not a finite number any more; lower the learning rate"
            )

    def _line(self, epoch, logs):
        pace = sum(self.seconds[-5:]) / len(self.seconds[-5:])
        line = f"epoch {epoch + 1}/{self.epochs}  {_results(logs, '')}"
        if "val_loss" in logs:
            line += f"  validation {_results(logs, 'val_')}"
        minutes, seconds = divmod(round(pace * (self.epochs - epoch - 1)), 60)
        return f"{line}  {self.seconds[-1]:.1f} s, {minutes}:{seconds:02d} left"


def _results(logs, prefix):
    accuracy = f"  accuracy {100 * logs[f'{prefix}accuracy']:.1f} %" if f"{prefix}accuracy" in logs else ""
    return f"loss {logs[f'{prefix}loss']:.3f}{accuracy}"
