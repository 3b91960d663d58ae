"""Knowledge distillation against its formula in numpy, and the model that trains by it."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.training.distillation import DistilledModel, distillation_loss, softened_loss
from asc_tf.training.seeding import set_seed


def softmax(values):
    exponential = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)


def kullback_leibler(logits, teacher, temperature):
    p, q = softmax(teacher / temperature), softmax(logits / temperature)
    return temperature**2 * (p * np.log(p / q)).sum(axis=-1)


def network(seed):
    set_seed(seed)
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3)(inputs))


def example():
    generator = np.random.default_rng(0)
    return generator.normal(0, 1, (6, 4)).astype(np.float32), np.eye(3, dtype=np.float32)[np.arange(6) % 3]


def after_a_step(weight, temperature=2.0):
    student, teacher = network(1), network(2)
    before = [weights.copy() for weights in teacher.get_weights()]
    model = DistilledModel(student, teacher, temperature, weight)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(from_logits=True))
    logs = model.train_on_batch(*example(), return_dict=True)
    assert all((now == then).all() for now, then in zip(teacher.get_weights(), before, strict=True))
    return student, logs


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_loss_is_the_formula(temperature):
    logits, teacher = np.random.default_rng(0).normal(0, 3, (2, 5, 4))
    found = distillation_loss(tf.constant(logits), tf.constant(teacher), temperature)
    np.testing.assert_allclose(found, kullback_leibler(logits, teacher, temperature), rtol=1e-9)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_step_follows_both_losses(weight):
    student, _ = after_a_step(weight)
    features, labels = example()
    kernel, bias = network(1).get_weights()
    logits, taught = features @ kernel + bias, network(2)(features).numpy()
    hard = softmax(logits) - labels
    soft = 2.0 * (softmax(logits / 2) - softmax(taught / 2))  # T^2 * 1 / T
    slope = ((1 - weight) * hard + weight * soft) / len(features)
    np.testing.assert_allclose(student.get_weights()[0], kernel - 0.1 * features.T @ slope, atol=1e-6)


def test_the_logged_loss_is_the_labels_alone():
    features, labels = example()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(labels, network(1)(features))
    for weight in (0.0, 0.9):
        assert after_a_step(weight)[1]["loss"] == pytest.approx(float(loss), rel=1e-6)


@pytest.mark.parametrize(("temperature", "weight"), [(0.0, 0.5), (2.0, 1.1), (2.0, -0.1)])
def test_settings_out_of_range(temperature, weight):
    with pytest.raises(ValueError, match="temperature is"):
        DistilledModel(network(1), network(2), temperature, weight)


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_cached_logits_teach_as_the_teacher_would(weight):
    """On clips that nothing has augmented both ways are the same."""
    online, _ = after_a_step(weight)
    features, labels = example()
    probabilities = softmax(network(2)(features).numpy() / 2)
    student = network(1)
    model = DistilledModel(student, None, 2.0, weight)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(from_logits=True))
    loss = model.train_on_batch(features, np.concatenate([labels, probabilities], axis=1))
    assert loss == pytest.approx(float(model.loss(labels, network(1)(features))), rel=1e-6)
    for one, other in zip(student.get_weights(), online.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_probability_of_zero_teaches_nothing_wrong():
    found = softened_loss(tf.constant([[1.0, -2.0]]), tf.constant([[1.0, 0.0]]), 1.0)
    assert float(found[0]) == pytest.approx(-np.log(softmax(np.array([1.0, -2.0]))[0]), rel=1e-5)
