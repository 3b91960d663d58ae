import numpy as np
import pytest
import tf_keras as keras
from scipy.signal import correlate

from asc_tf.blocks import bc_res_block


def build(shape, channels, **arguments):
    """A model of one block with random weights, normalizations included."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, bc_res_block(inputs, channels, **arguments))
    generator = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


def reference(model, x, transition, frequency_stride=1, dilation=1):
    """The block's equation in numpy, for inference, from the weights of the model's layers."""

    def weights(name):
        return [weight.astype(np.float64) for weight in model.get_layer(f"block_{name}").get_weights()]

    def batch_norm(values, name):
        gamma, beta, mean, variance = weights(name)
        return gamma * (values - mean) / np.sqrt(variance + 1e-5) + beta

    def depthwise(values, name, dilation=1):
        taps = weights(name)[0][..., 0]
        kernel = np.zeros((taps.shape[0], (taps.shape[1] - 1) * dilation + 1, taps.shape[2]))
        kernel[:, ::dilation] = taps
        padding = [(0, 0), *((size // 2, size // 2) for size in kernel.shape[:2])]
        planes = [
            correlate(np.pad(values[..., c], padding), kernel[np.newaxis, :, :, c], mode="valid")
            for c in range(values.shape[-1])
        ]
        return np.stack(planes, axis=-1)

    identity = x
    if transition:
        x = np.maximum(0, batch_norm(x @ weights("expand")[0][0, 0], "expand_bn"))
    # The kernel's middle stands on the second of two bins: the row of zeros that it needs comes after the input.
    x = depthwise(x, "frequency")[:, frequency_stride - 1 :: frequency_stride]
    gamma, beta, mean, variance = (np.repeat(w, x.shape[1] // 4, axis=0)[:, None, :] for w in weights("ssn"))
    two_d = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    one_d = batch_norm(depthwise(two_d.mean(axis=1, keepdims=True), "time", dilation), "time_bn")
    one_d = (one_d / (1 + np.exp(-one_d))) @ weights("pointwise")[0][0, 0]
    return np.maximum(0, two_d + one_d + (0 if transition else identity))


@pytest.mark.parametrize("transition", [False, True])
def test_block_is_the_papers_equation(transition):
    x = np.random.default_rng(1).normal(0, 1, (2, 8, 5, 3))
    model = build((8, 5, 3), 4 if transition else 3)
    np.testing.assert_allclose(model(x), reference(model, x, transition), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "frequency_stride", "dilation"), [(4, 2, 1), (4, 2, 4), (3, 1, 2)])
def test_stride_over_frequency_and_dilation_over_time(channels, frequency_stride, dilation):
    x = np.random.default_rng(1).normal(0, 1, (2, 16, 11, 3))
    arguments = {"frequency_stride": frequency_stride, "dilation": dilation}
    model = build((16, 11, 3), channels, **arguments)
    assert model.output_shape == (None, 16 // frequency_stride, 11, channels)
    np.testing.assert_allclose(model(x), reference(model, x, channels != 3, **arguments), rtol=1e-4, atol=1e-4)


def test_stride_without_transition_is_refused():
    with pytest.raises(ValueError, match="frequency_stride is 2 where channels stay 3; expected 1"):
        build((8, 5, 3), 3, frequency_stride=2)


def test_the_one_d_branch_is_the_same_in_all_bins():
    """Without the 2-D branch (gamma, beta = 0) and the identity, what is left is broadcast over frequency."""
    model = build((8, 5, 3), 4)
    ssn = model.get_layer("block_ssn")
    gamma, beta, *moving = ssn.get_weights()
    ssn.set_weights([0 * gamma, 0 * beta, *moving])
    outputs = model(np.random.default_rng(1).normal(0, 1, (1, 8, 5, 3))).numpy()
    assert (outputs == outputs[:, :1]).all()
    assert outputs.any()


def test_dropout_drops_whole_channels_of_the_one_d_branch():
    model = build((8, 5, 16), 16, dropout=0.5)
    dropout = model.get_layer("block_dropout")
    outputs = dropout(np.ones((4, 1, 5, 16), np.float32), training=True).numpy()
    assert ((outputs == outputs[:, :, :1]).all()) and set(np.unique(outputs)) == {0.0, 2.0}


def test_no_convolution_has_a_bias():
    convolutions = [layer for layer in build((8, 5, 3), 4).layers if "Conv" in type(layer).__name__]
    assert len(convolutions) == 4 and not any(layer.use_bias for layer in convolutions)
