import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from layer_checks import check_layer

from asc_tf.layers import StridedDepthwiseConv2D


def pair(kernel, strides, padding="same", **arguments):
    """The layer, and Keras's at stride 1 with the same weights."""
    layer = StridedDepthwiseConv2D(kernel, strides, padding, bias_initializer="random_normal", **arguments)
    full = keras.layers.DepthwiseConv2D(kernel, 1, padding, **arguments)
    return layer, full


@pytest.mark.parametrize(
    ("kernel", "strides"), [((3, 1), (2, 1)), (3, (1, 2)), (3, (2, 1)), ((1, 2), (1, 3)), (5, (3, 2))]
)
@pytest.mark.parametrize("size", [(12, 12), (13, 17), (5, 6)])
def test_it_keeps_of_keras_convolution_every_place_that_it_strides_to(kernel, strides, size):
    layer, full = pair(kernel, strides, "valid", activation="tanh")
    features = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    outputs = layer(features)
    full.build(features.shape)
    full.set_weights(layer.get_weights())
    expected = full(features)[:, :: strides[0], :: strides[1]]
    assert outputs.shape == expected.shape == layer.compute_output_shape(features.shape)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize(("kernel", "strides"), [((3, 1), (2, 1)), (3, (1, 2)), (5, (2, 1)), (1, (2, 1)), (5, (1, 3))])
@pytest.mark.parametrize("size", [6, 7, 12, 13])
def test_padding_is_that_of_tensorflows_other_convolutions(kernel, strides, size):
    """A convolution over all channels takes unequal strides; a diagonal kernel makes it a depthwise one."""
    layer, _ = pair(kernel, strides)
    features = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)
    outputs = layer(features)
    weights, bias = layer.get_weights()
    diagonal = np.zeros((*weights.shape[:2], 3, 3), np.float32)
    diagonal[:, :, range(3), range(3)] = weights[..., 0]
    expected = tf.nn.conv2d(features, diagonal, strides, "SAME") + bias
    assert outputs.shape == expected.shape == layer.compute_output_shape(features.shape)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_equal_strides_are_kerass():
    layer, _ = pair(3, 2, depth_multiplier=2)
    features = np.random.default_rng(0).normal(size=(2, 7, 8, 3)).astype(np.float32)
    outputs = layer(features)
    keras_layer = keras.layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2)
    keras_layer.build(features.shape)
    keras_layer.set_weights(layer.get_weights())
    np.testing.assert_array_equal(outputs, keras_layer(features))


def test_gradients_are_those_of_the_strided_places():
    layer, full = pair((3, 1), (2, 1), "valid", use_bias=False)
    features = tf.constant(np.random.default_rng(0).normal(size=(2, 9, 4, 3)).astype(np.float32))
    weigh = np.random.default_rng(1).normal(size=layer(features).shape).astype(np.float32)
    full.build(features.shape)
    full.set_weights(layer.get_weights())
    gradients = []
    for convolution, places in ((layer, slice(None)), (full, slice(None, None, 2))):
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = tf.reduce_sum(convolution(features)[:, places] * weigh)
        gradients.append(tape.gradient(loss, [features, convolution.depthwise_kernel]))
    for found, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_layer_contract(tmp_path):
    check_layer(StridedDepthwiseConv2D(3, (1, 2), "same"), (8, 10, 3), tmp_path)


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match="is channels_first; expected channels_last"):
        StridedDepthwiseConv2D(3, (1, 2), data_format="channels_first").build((None, 3, 8, 8))
