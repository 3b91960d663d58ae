"""A small training to interrupt: dropout, batch normalization, momentum, a schedule, shuffled clips."""

import logging
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

import asc_tf

CLIPS, BATCH_SIZE, STEPS, EPOCHS = 37, 4, 10, 3


class Witness(keras.layers.Layer):
    """Passes the clips on and calls `note` with the numbers of those that are trained on; none that is only read."""

    def __init__(self, note):
        super().__init__()
        self.note = note

    def call(self, x, training=None):
        if training:
            tf.numpy_function(self._tell, [x[:, 0, 0, 0]], [])
        return x

    def _tell(self, first_values):
        self.note(np.round(first_values * 64).astype(int).tolist())

    def get_config(self):
        return {}  # for saving the best model, which is not loaded with it


def build(note=None, rate=0.1):
    asc_tf.set_seed(3, deterministic=True)
    layers = [Witness(note)] if note else []
    layers += [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((6, 1, 1)), *layers])
    model.compile(
        asc_tf.SGDWithL2(asc_tf.warmup_cosine(rate, STEPS, EPOCHS, warmup_epochs=1), momentum=0.9),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    # AutoGraph would rewrite all of tf_keras that a step runs through, to no end: ten seconds a process.
    model.train_step = tf.autograph.experimental.do_not_convert(model.train_step)
    model.test_step = tf.autograph.experimental.do_not_convert(model.test_step)
    return model


def data():
    """Features [clips, 6, 1] that begin with the clip's number / 64, and labels."""
    features = np.random.default_rng(0).normal(size=(CLIPS, 6, 1)).astype(np.float32)
    labels = (features[:, 1, 0] > 0).astype(np.int32)
    features[:, 0, 0] = np.arange(CLIPS) / 64
    return features, labels


def batches(start_step):
    return asc_tf.training_batches(*data(), 2, BATCH_SIZE, seed=5, start_step=start_step)


def validation():
    return asc_tf.evaluation_batches(*(array[:10] for array in data()), 2, batch_size=4)


def fit(model, folder, report=lambda line: None, save_seconds=0.0, batches=batches):
    return asc_tf.resumable_fit(
        model, batches, STEPS, EPOCHS, Path(folder) / "checkpoints", validation(), Path(folder) / "best.keras", report,
        save_seconds,
    )  # fmt: skip


def halting(last_step):
    """`batches` that never gives batch `last_step`."""

    def wait(step):
        while step == last_step:
            time.sleep(3600)
        return True

    def give(start_step):
        numbered = batches(start_step).enumerate(start_step)
        return numbered.filter(lambda step, _: tf.numpy_function(wait, [step], tf.bool)).map(lambda _, batch: batch)

    return give


def train(folder, save_seconds, last_step=None):
    """Train in a process of its own and write the weights, or wait for ever before the batch `last_step`."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # as tests/conftest.py
    model = build()
    arguments = {} if last_step is None else {"batches": halting(last_step)}
    fit(model, folder, lambda line: print(line, flush=True), save_seconds, **arguments)
    np.savez(folder / "weights.npz", *model.get_weights(), *(v.numpy() for v in model.optimizer.variables))
