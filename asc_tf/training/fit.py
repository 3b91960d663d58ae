"""`model.fit` that survives being killed."""

import math
import time

import numpy as np
import tf_keras as keras
from tqdm import tqdm

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError
from asc_tf.training.checkpoints import EpochCheckpoints


def resumable_fit(model, batches, steps_per_epoch, epochs, directory, validation=None, best=None, report=print):
    """Train a compiled model epoch by epoch, keeping a checkpoint of each, and go on from the last one there is.

    Args:
        model: compiled with metric "accuracy".
        batches: function (start_step) to a tf.data of training batches, such as `training_batches`.
        steps_per_epoch: batches an epoch.
        epochs: to train in all, those before an interruption counted.
        directory: of the checkpoints.
        validation: tf.data of validation batches, or None.
        best: where the model of the lowest validation loss is saved (.keras), or None.
        report: called with a line after each epoch.

    Returns:
        The history, one dict of logs an epoch.

    Raises:
        AscError: the loss is no longer finite, or the disk is full.
    """
    checkpoints = EpochCheckpoints(directory, model)
    history = checkpoints.restore()
    if history:
        report(f"going on after epoch {len(history)}")
    if len(history) < epochs:
        model.fit(
            batches(len(history) * steps_per_epoch),
            steps_per_epoch=steps_per_epoch,
            initial_epoch=len(history),
            epochs=epochs,
            validation_data=validation,
            callbacks=[_KeepEpoch(checkpoints, history, epochs, best, report)],
            verbose=0,
        )
    return history


def save_model(model, path):
    """Write a model as a .keras file, whole or not at all."""
    with whole_file(path) as part:
        model.save(part)


class _KeepEpoch(keras.callbacks.Callback):
    def __init__(self, checkpoints, history, epochs, best, report):
        super().__init__()
        self.checkpoints, self.history, self.epochs, self.best, self.report = (
            checkpoints, history, epochs, best, report,
        )  # fmt: skip
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()
        self.bar = tqdm(total=self.params["steps"], desc=f"epoch {epoch + 1}/{self.epochs}", disable=None, leave=False)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        logs = {name: float(value) for name, value in logs.items()}
        # ReLU turns NaN into 0, so that the loss can stay finite on ruined weights.
        if not all(np.isfinite(values).all() for values in (logs["loss"], *self.model.get_weights())):
            raise AscError(
                f"training diverged in epoch {epoch + 1}: not a finite number any more; lower the learning rate"
            )
        lowest = min((past["val_loss"] for past in self.history if "val_loss" in past), default=math.inf)
        if self.best and logs.get("val_loss", math.inf) < lowest:
            save_model(self.model, self.best)
        self.history.append(logs)
        self.checkpoints.save(self.history)
        self.seconds.append(time.monotonic() - self.start)
        self.report(self._line(epoch, logs))

    def _line(self, epoch, logs):
        pace = sum(self.seconds[-5:]) / len(self.seconds[-5:])
        line = f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.3f}  accuracy {100 * logs['accuracy']:.1f} %"
        if "val_loss" in logs:
            line += f"  validation loss {logs['val_loss']:.3f}  accuracy {100 * logs['val_accuracy']:.1f} %"
        minutes, seconds = divmod(round(pace * (self.epochs - epoch - 1)), 60)
        return f"{line}  {self.seconds[-1]:.1f} s, {minutes}:{seconds:02d} left"
