import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.training.fit import resumable_fit
from asc_tf.training.seeding import set_seed
from asc_tf.translator.patch_gan import patch_gan
from asc_tf.translator.pix2pix import Pix2Pix, discriminator_loss, generator_loss
from asc_tf.translator.unet import unet

BINS, FRAMES, DEVICES = 32, 16, 2
RESPONSE = np.zeros((DEVICES, BINS), np.float32)


def build(dropout=0.5, **arguments):
    set_seed(5)
    generator = unet(RESPONSE, width=2, depth=1, residual_blocks=1, dropout=dropout)
    model = Pix2Pix(generator, patch_gan(RESPONSE, width=2, layers=1), **arguments)
    model.compile()
    return model


def batches(start_step):
    """Pairs of noise and the same 1 higher."""

    def batch(step):
        source = tf.random.stateless_normal((2, BINS, FRAMES, 1), [1, step])
        return (source, tf.one_hot([0, 1], DEVICES)), source + 1

    return tf.data.Dataset.range(start_step, 10**9).map(batch)


def test_losses_are_least_squares():
    real, fake = np.random.default_rng(0).normal(0, 1, (2, 3, 4, 5, 1)).astype(np.float32)
    assert float(generator_loss(fake)) == pytest.approx(np.mean((fake - 1) ** 2), rel=1e-5)
    expected = 0.5 * np.mean((real - 1) ** 2) + 0.5 * np.mean(fake**2)
    assert float(discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(discriminator_loss(np.ones_like(real), np.zeros_like(fake))) == 0


def test_optimizer_is_that_of_pix2pix():
    optimizer = build().optimizer
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert (float(optimizer.learning_rate), optimizer.beta_1, optimizer.beta_2) == (pytest.approx(2e-4), 0.5, 0.999)


def test_a_step_is_the_two_gradients_of_the_docstring():
    model = build(dropout=0.0, reconstruction_weight=30.0, scale=2.0)
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    (source, targets), real = next(iter(batches(0)))
    judge = model.discriminator.trainable_variables
    names = {id(variable) for variable in judge}
    translator = [variable for variable in model.trainable_variables if id(variable) not in names]
    assert len(judge) + len(translator) == len(model.trainable_variables) and len(translator) > 10
    with tf.GradientTape(persistent=True) as tape:
        fake = model([source, targets], training=True)
        fake_scores = model.discriminator([source, targets, fake], training=True)
        real_scores = model.discriminator([source, targets, real], training=True)
        generator = tf.reduce_mean((fake_scores - 1) ** 2) + 30 * tf.reduce_mean(((real - fake) / 2) ** 2)
        discriminator = 0.5 * tf.reduce_mean((real_scores - 1) ** 2) + 0.5 * tf.reduce_mean(fake_scores**2)
    expected = [
        variable.numpy() - gradient.numpy()
        for loss, variables in ((generator, translator), (discriminator, judge))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True)
    ]
    logs = model.train_step(((source, targets), real))
    for variable, value in zip(translator + judge, expected, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-4)
    assert float(logs["loss"]) == pytest.approx(float(tf.reduce_mean((real - fake) ** 2)), rel=1e-4)
    assert float(logs["adversarial"]) == pytest.approx(float(tf.reduce_mean((fake_scores - 1) ** 2)), rel=1e-4)


@pytest.mark.slow
def test_fit_brings_the_translation_nearer_and_evaluate_measures_it():
    model = build()
    model.compile(keras.optimizers.Adam(1e-2, beta_1=0.5))
    before = model.evaluate(batches(10**6).take(4), verbose=0)
    history = model.fit(batches(0), steps_per_epoch=30, epochs=2, verbose=0).history
    assert set(history) == {"loss", "adversarial", "discriminator"}
    assert model.evaluate(batches(10**6).take(4), verbose=0) < 0.5 * before


@pytest.mark.slow
def test_resumed_training_equals_the_unbroken_one(tmp_path):
    def fit(folder, epochs):
        model = build()
        history = resumable_fit(model, batches, 3, epochs, folder, batches(9).take(1), report=lambda line: None)
        return model.get_weights(), history

    unbroken, history = fit(tmp_path / "a", 3)
    fit(tmp_path / "b", 1)
    resumed, other = fit(tmp_path / "b", 3)
    assert other == history and "val_loss" in history[0]
    for one, two in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(one, two)
