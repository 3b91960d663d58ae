import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.training.optimizers import SGDWithL2


@pytest.mark.parametrize("jit_compile", [False, True])
def test_update_is_that_of_coupled_l2(jit_compile):
    """Against the papers' framework's rule: g += l2 * w; v = momentum * v + g; w -= rate * v."""
    weight, velocity = np.array([1.0, -2.0]), np.zeros(2)
    variable = tf.Variable(weight, dtype=tf.float32)
    optimizer = SGDWithL2(0.1, momentum=0.9, l2=0.01, jit_compile=jit_compile)
    for step in range(4):
        gradient = np.array([0.5, -0.3]) * (step + 1)
        velocity = 0.9 * velocity + gradient + 0.01 * weight
        weight = weight - 0.1 * velocity
        optimizer.apply_gradients([(tf.constant(gradient, tf.float32), variable)])
        np.testing.assert_allclose(variable.numpy(), weight, rtol=1e-6)


def test_penalty_reaches_normalization_weights_too():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    model.compile(SGDWithL2(0.1, momentum=0.0, l2=0.5), "mse")
    gamma = model.layers[-1].gamma
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    optimizer.apply_gradients([(tf.zeros_like(v), v) for v in model.trainable_variables])
    np.testing.assert_allclose(gamma.numpy(), 1 - 0.1 * 0.5)


def test_config_round_trip():
    optimizer = SGDWithL2(0.1, momentum=0.8, l2=0.02)
    config = optimizer.get_config()
    assert config["l2"] == 0.02 and SGDWithL2.from_config(config).get_config() == config
