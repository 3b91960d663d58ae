"""Choosing the epoch whose weights to keep."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tf_keras as keras

from asc_tf.training.fit import save_model

if TYPE_CHECKING:
    import tensorflow as tf


def device_accuracies(logits, labels, devices):
    """Accuracy of each device's clips in percent.

    Args:
        logits: [clips, classes].
        labels: int [clips].
        devices: names [clips].

    Returns:
        Array [devices], in their sorted order.
    """
    right = np.asarray(logits).argmax(axis=1) == np.asarray(labels)
    devices = np.asarray(devices)
    return np.array([100 * right[devices == device].mean() for device in np.unique(devices)])


class MinVarianceCheckpoint(keras.callbacks.Callback):
    """Saves the network whose accuracy differs least between devices, among the epochs nearly as good as the best.

    The measure is the variance of the devices' accuracies on validation clips. An untrained network is equally bad on
    all devices, so an epoch counts only if its mean over the devices is at most `margin` points below the highest mean
    so far. If a new epoch leaves the saved one further behind, the new one replaces it; otherwise a lower variance
    replaces a higher one. Adds "device_accuracy" and "device_variance" to the logs.

    Args:
        batches: tf.data of the validation clips, in order, such as `evaluation_batches`.
        labels: int [clips].
        devices: names [clips].
        path: of the .keras file.
        margin: points of accuracy.

    Reference: Kim et al., QTI's technical report, section 3.3: "Min Var", "the model having minimum performance
    differences among devices". Differences: the report says neither how differences are measured nor on which clips;
    the margin is ours.
    """

    def __init__(
        self,
        batches: tf.data.Dataset,
        labels: np.ndarray,
        devices: Sequence[str],
        path: str | os.PathLike,
        margin: float = 2.0,
    ):
        super().__init__()
        self.batches, self.labels, self.devices = batches, labels, devices
        self.path, self.margin = path, margin
        self.resume([])

    def resume(self, history: list[dict]) -> None:
        """Continue after these epochs, each given by its final logs."""
        self.best, self.kept = -np.inf, None
        for logs in history:
            self._takes(logs["device_accuracy"], logs["device_variance"])

    def on_epoch_end(self, epoch, logs=None):
        accuracies = device_accuracies(self.model.predict(self.batches, verbose=0), self.labels, self.devices)
        logs["device_accuracy"], logs["device_variance"] = float(accuracies.mean()), float(accuracies.var())
        if self._takes(logs["device_accuracy"], logs["device_variance"]):
            save_model(self.model, self.path)

    def _takes(self, accuracy, variance):
        """Whether an epoch replaces the saved one."""
        self.best = max(self.best, accuracy)
        if accuracy < self.best - self.margin:
            return False
        if self.kept and self.kept[0] >= self.best - self.margin and self.kept[1] <= variance:
            return False
        self.kept = accuracy, variance
        return True
