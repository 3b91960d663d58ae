import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.models import bc_resnet_asc
from asc_tf.training.optimizers import AdamWOnKernels, SGDWithL2


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


def adamw_step(weight, gradient, moments, step, rate, decay):
    """PyTorch's AdamW, written out."""
    first, second = moments
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * gradient**2
    weight = weight * (1 - rate * decay)
    corrected = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weight - rate * corrected, (first, second)


@pytest.mark.parametrize(
    ("name", "decay"), [("kernel", 0.05), ("depthwise_kernel", 0.05), ("beta", 0.0), ("bias", 0.0)]
)
def test_adamw_is_the_formula_and_only_kernels_decay(name, decay):
    weight, moments = np.array([1.0, -2.0]), (np.zeros(2), np.zeros(2))
    variable = tf.Variable(weight, dtype=tf.float32, name=f"stage1/{name}")
    optimizer = AdamWOnKernels(0.1, weight_decay=0.05)
    for step in range(1, 6):
        gradient = np.array([0.5, -0.3]) * step
        weight, moments = adamw_step(weight, gradient, moments, step, 0.1, decay)
        optimizer.apply_gradients([(tf.constant(gradient, tf.float32), variable)])
        np.testing.assert_allclose(variable.numpy(), weight, rtol=1e-5)


def test_adamw_decays_kernels_of_a_network_and_nothing_else():
    """Without gradients nothing but the decay moves a weight."""
    model = bc_resnet_asc((32, 16, 1), 3, width=4, depth=(1, 1, 1, 1), learnable_lambda="bin")
    optimizer = AdamWOnKernels(0.1, weight_decay=0.5)
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer.apply_gradients([(tf.zeros_like(variable), variable) for variable in model.trainable_variables])
    decayed = 0
    for old, variable in zip(before, model.trainable_variables, strict=True):
        is_kernel = "kernel" in variable.name
        np.testing.assert_allclose(variable.numpy(), old * (0.95 if is_kernel else 1), rtol=1e-6)
        decayed += is_kernel
    assert 10 < decayed < len(before) / 2


def test_adamw_read_back_decays_the_same():
    optimizer = AdamWOnKernels.from_config(AdamWOnKernels(0.1, weight_decay=0.5).get_config())
    kernel, bias = (tf.Variable([1.0], name=f"logits/{name}") for name in ("kernel", "bias"))
    optimizer.apply_gradients([(tf.zeros(1), kernel), (tf.zeros(1), bias)])
    assert (float(kernel[0]), float(bias[0])) == (pytest.approx(0.95), 1.0)
