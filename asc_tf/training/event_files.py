"""TensorBoard's event files of a training, which go on where a training goes on."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.atomic import part_beside
from asc_tf.errors import unwritable
from asc_tf.training.confusion import ConfusionAccuracy

_ROWS, _COLUMNS = 128, 256  # of a spectrogram's picture at the most


class EventFiles(keras.callbacks.Callback):
    """Writes what TensorBoard shows: curves, the confusion matrix of validation, a clip before and after augmentation.

    The confusion matrix is that of a metric `ConfusionAccuracy`, which holds the validation clips' after an epoch.
    After each epoch the scalars of its logs go to DIRECTORY/train and DIRECTORY/validation, so that TensorBoard draws
    the two as one chart. The step is the epoch, counted from 1 as in history.csv. Where a training goes on, what a
    killed process has written of later epochs is taken out first, so that no step stands there twice. All workers of a
    strategy need this callback, since the matrix is the sum of theirs.

    Args:
        directory: for the files.
        clip: function () to (features [2, frequency, time, 1], one-hot labels [2, classes]); the first of the two is
            shown. None shows none.
        augment: of `training_batches`, for the picture of that clip; its seed is the epoch. Goes with `clip`.
        writes: whether this process writes the files; of several workers the chief.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        clip: Callable | None = None,
        augment: Callable | None = None,
        writes: bool = True,
    ):
        super().__init__()
        self.directory, self.clip, self.augment = Path(directory), clip, augment
        self.writes, self._writers, self._example = writes, {}, None

    def resume(self, history: list[dict]) -> None:
        """Go on after these epochs."""
        if not self.writes:
            return
        for folder in (self.directory / "train", self.directory / "validation"):
            _keep_steps(folder, len(history))

    def on_epoch_end(self, epoch, logs=None):
        confusion = self._confusion() if "val_loss" in logs else None
        if not self.writes:
            return
        try:
            self._write(epoch + 1, logs, confusion)
        except tf.errors.OpError as error:
            raise unwritable(self.directory, error) from error

    def _write(self, step, logs, confusion):
        for name, value in logs.items():
            with self._writer("validation" if name.startswith("val_") else "train").as_default(step):
                tf.summary.scalar(name.removeprefix("val_"), float(value))
        with self._writer("train").as_default(step):
            tf.summary.scalar("learning_rate", float(tf.convert_to_tensor(self.model.optimizer.learning_rate)))
            if self.clip is not None:
                tf.summary.image("clip, then augmented", self._pictures(step), max_outputs=2)
        if confusion is not None:
            with self._writer("validation").as_default(step):
                tf.summary.image("confusion: true scenes in rows", _confusion_picture(confusion))
        for writer in self._writers.values():
            writer.flush()

    def _confusion(self):
        """Clips [true scene, predicted scene] of all workers, or None; each worker waits for the others here."""
        counted = [metric for metric in self.model.metrics if isinstance(metric, ConfusionAccuracy)]
        return tf.convert_to_tensor(counted[0].confusion).numpy() if counted else None

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, part):
        if part not in self._writers:
            self._writers[part] = tf.summary.create_file_writer(str(self.directory / part))
        return self._writers[part]

    def _pictures(self, step):
        """Pictures [2, height, width, 3] of a clip, as it is and as this epoch's augmentation may make it."""
        if self._example is None:
            self._example = self.clip()
        features, labels = self._example
        augmented, _ = self.augment(features, labels, seed=tf.constant([0, step], tf.int64))
        shown = features[0], augmented[0]
        low, high = np.percentile(features[0], [1, 99.8])
        return np.stack([_coloured((_small(each) - low) / max(high - low, 1e-6)) for each in shown])


def _confusion_picture(clips):
    """Picture [1, height, width, 3] of the shares of each true scene's clips."""
    shares = clips / np.maximum(clips.sum(axis=1, keepdims=True), 1)
    return _coloured(np.kron(shares, np.ones((16, 16))))[np.newaxis]


def _small(features):
    """[frequency, time, 1] with the high frequencies above, thinned to at most so many rows and columns."""
    features = np.asarray(features)[::-1, :, 0]
    return features[:: -(-features.shape[0] // _ROWS), :: -(-features.shape[1] // _COLUMNS)]


def _coloured(values):
    """uint8 [height, width, 3] of values in 0 to 1."""
    import matplotlib  # not before something is shown

    return (255 * matplotlib.colormaps["magma"](np.clip(values, 0, 1))[..., :3]).astype(np.uint8)


def _keep_steps(folder, steps):
    """Rewrite a folder's event files as one that ends with a step; what a killed process wrote in part is dropped."""
    files = sorted(folder.glob("events.out.tfevents.*"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if not files:
        return
    final = files[0]
    part = part_beside(final)
    with tf.io.TFRecordWriter(str(part)) as writer:
        for number, path in enumerate(files):
            try:
                for record in tf.data.TFRecordDataset(str(path)):
                    event = tf.compat.v1.Event.FromString(record.numpy())
                    kept = event.summary.value and event.step <= steps
                    if kept or (number == 0 and event.HasField("file_version")):
                        writer.write(record.numpy())
            except tf.errors.DataLossError:  # its last record was cut off
                continue
    os.replace(part, final)
    for path in files[1:]:
        path.unlink()
