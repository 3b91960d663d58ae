"""Keeping the state of a training after or within an epoch, and continuing from it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from asc_tf.atomic import check_sums, part_beside, read_checked, write_sums, write_text
from asc_tf.distributed.replicas import gathered, is_chief
from asc_tf.errors import AscError, reason_of, unwritable
from asc_tf.internals.tf_keras import random_generators

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Args:
        history: one dict of logs for each finished epoch.
        step: trained batches of the following epoch; 0 between two epochs. The fields below belong to that epoch.
        steps_per_epoch: total number of batches in it.
        seconds: time spent on it.
        metrics: values of the variables of each of the model's metrics, over these batches.
    """

    history: list
    step: int = 0
    steps_per_epoch: int = 0
    seconds: float = 0.0
    metrics: list = ()

    @property
    def name(self):
        """epoch-0007 after seven epochs, epoch-0007-step-000120 within the eighth: sorts by age."""
        return f"epoch-{len(self.history):04d}" + (f"-step-{self.step:06d}" if self.step else "")


def kept_history(directory):
    """The history in the newest checkpoint of a directory, or None if none can be read."""
    folders = sorted(Path(directory).glob("epoch-*"))
    try:
        return _read_progress(folders[-1]).history if folders else None
    except (AscError, OSError, ValueError, TypeError, RecursionError):
        return None


def _read_progress(folder):
    """The `Progress` of a checkpoint. Raises ValueError or TypeError if it is none."""
    if (folder / "history.json").is_file():  # from when only whole epochs were kept
        progress = Progress(json.loads(read_checked(folder / "history.json")))
    else:
        progress = Progress(**json.loads(read_checked(folder / "progress.json")))
    numbers = [progress.step, progress.steps_per_epoch, progress.seconds]
    for logs in progress.history:
        numbers += logs.values() if isinstance(logs, dict) else [None]
    if not (isinstance(progress.history, list) and all(isinstance(number, (int, float)) for number in numbers)):
        raise ValueError("it holds no history")
    return progress


class EpochCheckpoints:
    """Keeps the newest state of a training: weights, optimizer, random generators of the dropout, and progress.

    A state is a folder DIRECTORY/NAME, see `Progress.name`, that appears whole; then the previous state is deleted.
    Several workers must share the file system: all restore the state and the chief keeps it. The others must write
    theirs too, since TensorFlow gathers the state from all workers, and discard it.

    Args:
        directory: folder of the states.
        model: compiled model, built; its optimizer is kept with it.
    """

    def __init__(self, directory: str | os.PathLike, model: keras.Model):
        self.directory = Path(directory)
        self.strategy = model.distribute_strategy
        with model.distribute_strategy.scope():  # else replicas would share one momentum and drift apart
            model.optimizer.build(model.trainable_variables)
        self._state = tf.train.Checkpoint(model=model, optimizer=model.optimizer, generators=random_generators(model))

    def restore(self) -> Progress:
        """Restore the newest state, except the metrics' values. Returns its `Progress`; a fresh one without a state.

        Raises:
            AscError: the checkpoint is damaged, of another network, or not the same for all workers.
        """
        folders = sorted(self.directory.glob("epoch-*"))
        found = int("".join(filter(str.isdecimal, folders[-1].name)).ljust(10, "0")) if folders else 0
        if len(set(gathered(self.strategy, found))) > 1:
            raise AscError(f"{self.directory}: the workers see different checkpoints; expected a folder that all share")
        if not folders:
            return Progress([])
        newest = folders[-1]
        try:
            check_sums(newest)
            progress = _read_progress(newest)
            self._state.read(str(newest / "state")).assert_existing_objects_matched()
            return progress
        except (AscError, tf.errors.OpError, AssertionError, ValueError, TypeError, IndexError, OSError) as error:
            raise AscError(f"{newest}: cannot be read ({reason_of(error)}); delete the folder to begin anew") from error

    def save(self, progress: Progress) -> None:
        """Keep the present state as the state at `progress`.

        Raises:
            AscError: it cannot be written.
        """
        if not is_chief(self.strategy):
            with tempfile.TemporaryDirectory() as folder:
                self._state.write(f"{folder}/state")
            return
        final = self.directory / progress.name
        part = part_beside(final)
        try:
            part.mkdir(parents=True)
            self._state.write(str(part / "state"))
            for file in part.iterdir():
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
            write_text(part / "progress.json", json.dumps(dataclasses.asdict(progress)))
            write_sums(part)  # so that progress and weights belong together
            os.replace(part, final)
        except (tf.errors.OpError, OSError) as error:
            raise unwritable(final, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        for older in self.directory.glob("epoch-*"):
            if older != final:
                shutil.rmtree(older)
