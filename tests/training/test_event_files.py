"""TensorBoard's files: what is in them, and that a training that goes on doubles no step."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from event_records import written

from asc_tf.training.confusion import ConfusionAccuracy
from asc_tf.training.event_files import EventFiles
from asc_tf.training.fit import resumable_fit
from asc_tf.training.seeding import set_seed

STEPS = 2


def build():
    set_seed(3)
    model = keras.Sequential([keras.Input((8, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, metrics=[ConfusionAccuracy(3)])
    return model


def batches(start_step):
    def batch(step):
        x = tf.random.stateless_normal((4, 8, 6, 1), [1, step])
        return x, tf.one_hot(tf.constant([0, 1, 2, 0]), 3)

    return tf.data.Dataset.range(start_step, 10**9).map(batch)


VALIDATION = batches(10**6).take(1)


def fit(folder, epochs):
    def clip():
        return tf.ones((2, 8, 6, 1)), tf.one_hot([0, 1], 3)

    events = EventFiles(folder / "tensorboard", clip, lambda x, y, seed: (x * 0.5, y))
    resumable_fit(
        build(),
        batches,
        STEPS,
        epochs,
        folder / "checkpoints",
        VALIDATION,
        report=lambda line: None,
        callbacks=[events],
    )


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_training_that_goes_on_has_each_step_once(tmp_path):
    whole = tmp_path / "whole"
    fit(whole, 2)
    later = shutil.copytree(whole, tmp_path / "killed")
    fit(later, 3)  # a process that was killed when its third epoch was written, and before it was kept
    shutil.rmtree(later / "checkpoints")
    shutil.copytree(whole / "checkpoints", later / "checkpoints")
    *_, newest = sorted((later / "tensorboard" / "train").glob("events*"), key=lambda path: path.stat().st_mtime_ns)
    with newest.open("ab") as file:
        file.write(b"cut off")
    fit(later, 4)
    counts, last = written(later / "tensorboard" / "train")
    assert set(counts.values()) == {1} and {step for _, step in counts} == {1, 2, 3, 4}
    assert {tag for tag, _ in counts} == {"loss", "accuracy", "learning_rate", "clip, then augmented"}
    assert last["learning_rate"] == np.float32(0.01)
    width, height, clip, augmented = last["clip, then augmented"]
    assert (int(width), int(height)) == (6, 8) and clip[1:4] == augmented[1:4] == b"PNG"
    counts, last = written(later / "tensorboard" / "validation")
    assert {tag for tag, _ in counts} == {"loss", "accuracy", "confusion: true scenes in rows"}
    assert int(last["confusion: true scenes in rows"][0]) == 3 * 16


def test_accuracy_is_kerass_and_the_matrix_has_true_scenes_in_rows():
    metric, plain = ConfusionAccuracy(3), keras.metrics.CategoricalAccuracy()
    truth, logits = tf.one_hot([0, 0, 1, 2], 3), tf.one_hot([0, 2, 1, 0], 3)
    for each in (metric, plain):
        each.update_state(truth, logits)
    assert float(metric.result()) == float(plain.result()) == 0.5
    np.testing.assert_array_equal(metric.confusion, [[1, 0, 1], [0, 1, 0], [1, 0, 0]])
    metric.reset_state()
    assert not metric.confusion.numpy().any()
