"""Min Var: the measure, the rule, and a training that keeps what the rule says."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.training.fit import resumable_fit
from asc_tf.training.seeding import set_seed
from asc_tf.training.selection import MinVarianceCheckpoint, device_accuracies

CLIPS = 40
GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(0, 2, CLIPS)
FEATURES = (GENERATOR.normal(size=(CLIPS, 3)) + LABELS[:, None]).astype(np.float32)
DEVICES = np.array(["a", "b", "s1", "a"])[np.arange(CLIPS) % 4]


def test_accuracy_of_each_device():
    logits = np.eye(3)[[0, 1, 2, 0, 0]]
    found = device_accuracies(logits, [0, 1, 0, 0, 1], ["b", "a", "b", "b", "a"])
    np.testing.assert_allclose(found, [50, 200 / 3])


def taken(epochs, margin=2.0):
    """Which of the epochs (accuracy, variance) replace the one before."""
    checkpoint = MinVarianceCheckpoint(None, None, None, None, margin)
    return [checkpoint._takes(*epoch) for epoch in epochs]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([(80, 9.0), (80, 4.0), (80, 5.0), (80, 3.0)], [True, True, False, True]),
        ([(10, 0.0), (80, 9.0)], [True, True]),  # equally bad on all devices is not good
        ([(80, 9.0), (70, 0.0)], [True, False]),
        ([(80, 9.0), (78.5, 1.0), (81, 5.0)], [True, True, True]),  # the kept one is now 2.5 points behind
        ([(80, 9.0), (79.5, 1.0), (81, 5.0)], [True, True, False]),
        ([(80, 4.0), (80, 4.0)], [True, False]),
    ],
)
def test_the_rule(epochs, expected):
    assert taken(epochs) == expected


def batches(start_step):
    data = tf.data.Dataset.from_tensor_slices((FEATURES, np.eye(2, dtype=np.float32)[LABELS]))
    return data.batch(8).repeat().skip(start_step)


def train(folder, epochs):
    set_seed(4)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1.0), loss, metrics=["accuracy"])
    validation = batches(0).take(5)
    keeper = MinVarianceCheckpoint(validation, LABELS, DEVICES, folder / "min-var.keras")
    report = lambda line: None  # noqa: E731
    return resumable_fit(model, batches, 5, epochs, folder / "checkpoints", report=report, callbacks=[keeper])


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_saved_network_is_that_of_the_epoch_which_the_rule_names(tmp_path):
    history = train(tmp_path / "a", 12)
    epochs = [(logs["device_accuracy"], logs["device_variance"]) for logs in history]
    chosen = epochs[np.flatnonzero(taken(epochs))[-1]]
    assert chosen != epochs[-1], "else it could as well be the last one"
    model = keras.models.load_model(tmp_path / "a" / "min-var.keras")
    accuracies = device_accuracies(model.predict(FEATURES, verbose=0), LABELS, DEVICES)
    assert (accuracies.mean(), accuracies.var()) == pytest.approx(chosen)
    train(tmp_path / "b", 3)
    assert train(tmp_path / "b", 12) == history
    other = keras.models.load_model(tmp_path / "b" / "min-var.keras")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
