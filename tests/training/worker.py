"""A small training that replicas can share: convolution, batch and SubSpectral Normalization, momentum, validation.

As a script it trains as one worker of TF_CONFIG: python worker.py FOLDER [DELAY], DELAY in seconds before each batch.
"""

import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

import asc_tf
from asc_tf.distributed.replicas import is_chief, make_strategy
from asc_tf.layers import BatchNormalization
from asc_tf.training.confusion import ConfusionAccuracy
from asc_tf.training.event_files import EventFiles

CLIPS, BATCH_SIZE, STEPS, EPOCHS, VALIDATION = 37, 8, 5, 2, 7
SHAPE = (8, 6, 1)


def build(strategy=None, teacher=None):
    """Channels of which TensorFlow's own normalization is slow (10 and 5), and fast (8)."""
    asc_tf.set_seed(3)
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        inputs = x = keras.Input(SHAPE)
        for channels, norm in (
            (10, BatchNormalization()), (8, BatchNormalization()), (8, asc_tf.SubSpectralNormalization(2)),
            (5, asc_tf.SubSpectralNormalization(2)),
        ):  # fmt: skip
            x = norm(keras.layers.Conv2D(channels, 3, padding="same")(x))
            x = keras.layers.ReLU()(x)
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
        if teacher:
            teach = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2)])
            model = asc_tf.DistilledModel(model, teach, weight=0.5)
        model.compile(
            asc_tf.SGDWithL2(0.01, momentum=0.9), keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=[ConfusionAccuracy(2)],
        )  # fmt: skip
    return model


def data():
    features = np.random.default_rng(0).normal(2, 3, (CLIPS, *SHAPE[:2])).astype(np.float32)
    return features, (features[:, :4].mean(axis=(1, 2)) > 2).astype(np.int32)


def fit(model, folder, delay=0.0):
    """The history; the same for any strategy."""
    strategy = model.distribute_strategy
    shared = strategy.num_replicas_in_sync > 1

    def wait(features, labels):
        return tf.numpy_function(lambda x: time.sleep(delay) or x, [features], tf.float32), labels

    def spread(batches):
        return strategy.distribute_datasets_from_function(batches) if shared else batches(None)

    def training(start_step):
        def batches(context):
            batches = asc_tf.training_batches(*data(), 2, BATCH_SIZE, 5, start_step=start_step, context=context)
            if not delay:
                return batches
            return batches.map(wait).map(lambda x, y: (tf.ensure_shape(x, (None, *SHAPE)), y))

        return spread(batches)

    rows = np.arange(VALIDATION)
    validation = spread(lambda context: asc_tf.evaluation_batches(*data(), 2, 2, rows, context))
    replicas = strategy.num_replicas_in_sync
    steps = asc_tf.evaluation_steps(VALIDATION, replicas, 2) if shared else None
    return asc_tf.resumable_fit(
        model, training, STEPS, EPOCHS, Path(folder) / "checkpoints", validation, Path(folder) / "best.keras",
        lambda line: print(line, flush=True),
        callbacks=[EventFiles(Path(folder) / "tensorboard", writes=is_chief(strategy))],
        validation_steps=steps,
    )  # fmt: skip


if __name__ == "__main__":
    fit(build(make_strategy("multi_worker")), sys.argv[1], float(sys.argv[2]))
