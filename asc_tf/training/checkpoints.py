"""The state of a training after an epoch, and going on from it."""

import json
import os
import shutil
from pathlib import Path

import tensorflow as tf

from asc_tf.atomic import write_text
from asc_tf.errors import AscError


class EpochCheckpoints:
    """Keeps the newest epoch of a training: weights, optimizer, random generators of the dropout, and history.

    An epoch is a folder DIRECTORY/epoch-0007 that appears whole; then the one before goes.

    Args:
        directory: where to keep them.
        model: compiled model, built; its optimizer is kept with it.
    """

    def __init__(self, directory, model):
        self.directory = Path(directory)
        model.optimizer.build(model.trainable_variables)
        # tf_keras keeps the random generators of its dropout layers out of a model's checkpoint.
        generators = [layer._random_generator for layer in model.layers if hasattr(layer, "_random_generator")]
        self._state = tf.train.Checkpoint(model=model, optimizer=model.optimizer, generators=generators)

    def restore(self):
        """Put the newest epoch back. Returns the history, one dict of logs an epoch; empty if there is none.

        Raises:
            AscError: the checkpoint is damaged or of another network.
        """
        epochs = sorted(self.directory.glob("epoch-*"))
        if not epochs:
            return []
        try:
            self._state.read(str(epochs[-1] / "state")).assert_existing_objects_matched()
            return json.loads((epochs[-1] / "history.json").read_text())
        except (tf.errors.OpError, AssertionError, ValueError, OSError) as error:
            raise AscError(
                f"{epochs[-1]}: the checkpoint cannot be read back ({str(error).splitlines()[0]}); "
                "delete the folder to begin anew"
            ) from error

    def save(self, history):
        """Keep the present state as that after epoch len(history).

        Raises:
            AscError: it cannot be written.
        """
        part = self.directory / ".part"
        shutil.rmtree(part, ignore_errors=True)
        final = self.directory / f"epoch-{len(history):04d}"
        try:
            part.mkdir(parents=True)
            self._state.write(str(part / "state"))
            write_text(part / "history.json", json.dumps(history))
            os.replace(part, final)
        except (tf.errors.OpError, OSError) as error:
            raise AscError(f"{final}: cannot be written ({getattr(error, 'message', error)})") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        for older in self.directory.glob("epoch-*"):
            if older != final:
                shutil.rmtree(older)
