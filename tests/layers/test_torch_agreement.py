"""Our layers, the block and the network against an independent formulation in PyTorch: outputs and all gradients."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

import asc_tf
from asc_tf.blocks import bc_res_block
from asc_tf.layers import FrequencyInstanceNormalization, ResidualNormalization, SubSpectralNormalization

torch = pytest.importorskip("torch", reason="PyTorch, which ours is compared with, is not installed")

from torch_reference import BCResBlock, BCResNetASC, ResNorm, SubSpectralNorm, copy_weights, parameter_pairs  # noqa: E402

SHAPE = (3, 16, 9, 4)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def randomized(layer_or_model):
    """Random weights, none negative: variances are among them."""
    generator = np.random.default_rng(0)
    layer_or_model.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer_or_model.get_weights()])
    return layer_or_model


def block(channels):
    inputs = keras.Input(SHAPE[1:])
    return randomized(keras.Model(inputs, bc_res_block(inputs, channels, dropout=0.0)))


def layer(of):
    of.build(SHAPE)
    return randomized(of)


def channels_first(array):
    return torch.from_numpy(np.moveaxis(array, -1, 1).copy()) if array.ndim == 4 else torch.from_numpy(array)


def channels_last(tensor):
    array = tensor.detach().numpy()
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


def leaf_layers(ours):
    return ours.layers if isinstance(ours, keras.Model) else [ours]


def results(ours, theirs, features, training):
    """Of each side: outputs, gradient of the input, gradients of the weights, for a loss that tells outputs apart."""
    theirs.train(training)
    with tf.GradientTape() as tape:
        x = tf.constant(features)
        tape.watch(x)
        outputs = ours(x, training=training)
        factors = np.random.default_rng(2).normal(0, 1, outputs.shape).astype(np.float32)
        loss = tf.reduce_sum(outputs * factors)
    pairs = [pair for pair in parameter_pairs(leaf_layers(ours), theirs) if pair[0].trainable]
    gradients = tape.gradient(loss, [x, *(variable for variable, *_ in pairs)])
    y = channels_first(features).requires_grad_()
    outputs_theirs = theirs(y)
    (outputs_theirs * channels_first(factors)).sum().backward()
    changes = [lambda array: np.moveaxis(array, -1, 1), *(change for *_, change in pairs)]
    tensors = [y, *(tensor for _, tensor, _ in pairs)]
    yield "outputs", outputs.numpy(), channels_last(outputs_theirs)
    names = ["input", *(variable.name for variable, *_ in pairs)]
    for name, gradient, change, tensor in zip(names, gradients, changes, tensors, strict=True):
        yield f"gradient of {name}", change(gradient.numpy()), tensor.grad.numpy()


PARTS = {
    "SSN": lambda: (layer(SubSpectralNormalization(4)), SubSpectralNorm(4, sub_bands=4)),
    "ResNorm": lambda: (ResidualNormalization(0.1), ResNorm(0.1)),
    "FreqIN": lambda: (FrequencyInstanceNormalization(), ResNorm(0.0)),
    "normal block": lambda: (block(4), BCResBlock(4, 4, dropout=0.0)),
    "transition block": lambda: (block(6), BCResBlock(4, 6, dropout=0.0)),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("part", PARTS)
def test_outputs_and_gradients_agree(part, training):
    ours, theirs = PARTS[part]()
    copy_weights(leaf_layers(ours), theirs)
    bins = np.arange(SHAPE[1]).reshape(1, -1, 1, 1)  # levels of their own, so that bins in the wrong band show
    features = (np.random.default_rng(1).normal(0, 1, SHAPE) + 0.2 * bins).astype(np.float32)
    for what, one, other in results(ours, theirs, features, training):
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one / scale, other / scale, **CLOSE, err_msg=what)


def test_the_whole_network_agrees():
    ours = asc_tf.bc_resnet_asc((32, 26, 1), classes=3, width=4, dropout=0.0)
    theirs = BCResNetASC(4, classes=3, dropout=0.0)
    copy_weights(ours.layers, theirs)
    features = np.random.default_rng(1).normal(0, 1, (4, 32, 26, 1)).astype(np.float32)
    for training in (False, True):  # in this order: training moves the statistics of inference, ours by another rule
        theirs.train(training)
        expected = theirs(channels_first(features)).detach().numpy()
        np.testing.assert_allclose(ours(features, training=training), expected, rtol=1e-4, atol=1e-4)
