import numpy as np
import pytest
import tf_keras as keras
from numpy_blocks import NumpyLayers, relu, with_random_weights

from asc_tf.blocks.mfa import multi_scale_frequency_channel_attention


def build(shape, **arguments):
    inputs = keras.Input(shape)
    return keras.Model(inputs, multi_scale_frequency_channel_attention(inputs, **arguments))


def reference(model, x):
    """The docstring's two equations, s = 4."""
    layers = NumpyLayers(model, "mfa")
    parts = np.split(x, 4, axis=-1)

    def attended(z, i):
        scores = layers.pointwise(z.mean(axis=2, keepdims=True), f"attention{i}_squeeze")
        return z / (1 + np.exp(-layers.pointwise(relu(scores), f"attention{i}_excite")))

    def y(i):
        if i == 1:
            return attended(parts[0], 1)
        x_i = parts[i - 1] if i == 2 else parts[i - 1] + y(i - 1)
        return attended(relu(layers.batch_norm(layers.depthwise(x_i, f"depthwise{i}"), f"depthwise{i}_bn")), i)

    return np.concatenate([y(1), y(2), y(3), y(4)], axis=-1)


def test_unit_is_its_equation():
    features = np.random.default_rng(1).normal(0, 0.5, (2, 6, 5, 12))
    model = with_random_weights(build((6, 5, 12)))
    np.testing.assert_allclose(model(features), reference(model, features), rtol=1e-4, atol=1e-4)


def test_attention_differs_from_bin_to_bin_and_from_channel_to_channel_but_not_over_time():
    features = np.random.default_rng(1).normal(0, 1, (2, 6, 5, 16)).astype(np.float32)
    model = build((6, 5, 16))
    weights = keras.Model(model.input, model.get_layer("mfa_attention1_sigmoid").output)(features).numpy()
    assert weights.shape == (2, 6, 1, 4)
    assert (np.ptp(weights, axis=1) > 1e-3).any() and (np.ptp(weights, axis=3) > 1e-3).any()
    assert weights.min() > 0 and weights.max() < 1


@pytest.mark.parametrize(("channels", "squeezed"), [(4, 2), (40, 6), (60, 8), (80, 10), (100, 12)])
def test_squeeze_is_half_of_the_sub_map_rounded_up_to_an_even_number(channels, squeezed):
    model = build((4, 4, channels))
    assert model.get_layer("mfa_attention2_squeeze").filters == squeezed


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="'mfa_split' got 10 channels; expected a multiple of groups = 4"):
        build((6, 5, 10))
