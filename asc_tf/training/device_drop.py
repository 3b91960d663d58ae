"""Device-aware data-random-drop."""

import os
from pathlib import Path

import numpy as np
import tf_keras as keras

from asc_tf.atomic import write_text

_STEEPNESS = 6.0
_STREAM = 1  # sets these random numbers apart from the augmentation's


def drop_rate(step, steps, max_rate):
    """Share of the device's clips that is dropped from batch `step` of `steps`: 0 at the first, `max_rate` at the last.

        rate = max_rate * (s(x) - s(-6)) / (s(6) - s(-6)),   s(x) = 1 / (1 + exp(-x)),   x = 12 * step / (steps - 1) - 6

    Args:
        step: number of the batch, from 0; later numbers count as the last batch. May be an array.
        steps: batches of the whole fine-tuning.
        max_rate: 0 to 1; 0.9 is the paper's best.

    Reference: Lee et al. (HYU), DCASE Workshop 2022, section 3: "with the shape of the sigmoid function from zero to
    the given parameter". Difference: the paper gives no formula. Here the logistic function from -6 to 6 is stretched
    so that it begins at exactly 0 and ends at exactly the maximum.
    """
    x = _STEEPNESS * (2 * np.clip(np.asarray(step) / max(1, steps - 1), 0, 1) - 1)
    low, high, value = (1 / (1 + np.exp(-x)) for x in (-_STEEPNESS, _STEEPNESS, x))
    return max_rate * (value - low) / (high - low)


class DeviceRandomDrop:
    """Drops clips of the device with the most clips from every batch: the `select` of `training_batches`.

    Each clip of the device is dropped independently with probability `drop_rate`, so batches get smaller towards the
    end. A batch that would become empty keeps its first clip. Only the seed and the batch's number decide which clips
    drop.

        drop = DeviceRandomDrop(clips.device == "a", steps=epochs * steps_per_epoch, max_rate=0.9)
        model.fit(training_batches(..., select=drop), ..., callbacks=[DropRateLog(drop, "drop_rates.csv")])

    Args:
        dropped: bool [clips], true for clips that may be dropped, in the order of the features.
        steps: batches of the whole fine-tuning.
        max_rate: of `drop_rate`.

    Raises:
        ValueError: a maximum outside 0 to 1.

    Reference: Lee et al. (HYU), DCASE Workshop 2022, section 3. Difference: the paper does not say whether each clip is
    drawn independently or a fixed number of clips is dropped.
    """

    def __init__(self, dropped: np.ndarray, steps: int, max_rate: float = 0.9):
        if not 0 <= max_rate <= 1:
            raise ValueError(f"max_rate is {max_rate}; expected 0 to 1")
        self.dropped, self.steps, self.max_rate = np.asarray(dropped, bool), steps, max_rate

    def rate(self, step: int) -> float:
        """`drop_rate` of a batch."""
        return drop_rate(step, self.steps, self.max_rate)

    def __call__(self, step, rows, seed):
        """Which clips of a batch stay.

        Args:
            step: number of the batch.
            rows: int [batch], numbers of its clips.
            seed: sequence of whole numbers, different for each batch.

        Returns:
            bool [batch].
        """
        draws = np.random.default_rng((*map(int, seed), _STREAM)).random(len(rows))
        keep = ~(self.dropped[rows] & (draws < self.rate(int(step))))
        if not keep.any():
            keep[0] = True
        return keep


class DropRateLog(keras.callbacks.Callback):
    """Writes the drop rate of every trained batch: columns step, drop_rate.

    A resumed training starts the file again, with the rates of the earlier batches.

    Args:
        drop: `DeviceRandomDrop`.
        path: of the CSV file.
    """

    def __init__(self, drop: DeviceRandomDrop, path: str | os.PathLike):
        super().__init__()
        self.drop, self.path = drop, Path(path)

    def on_train_begin(self, logs=None):
        self.step = int(self.model.optimizer.iterations)
        write_text(self.path, "".join(["step,drop_rate\n", *map(self._line, range(self.step))]))

    def on_train_batch_end(self, batch, logs=None):
        with self.path.open("a") as file:
            file.write(self._line(self.step))
        self.step += 1

    def _line(self, step):
        return f"{step},{self.drop.rate(step):.8f}\n"
