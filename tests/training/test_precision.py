"""Networks that compute in 16 bits in training."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.layers import (
    BatchNormalization,
    FrequencyAveragePooling,
    GlobalFrequencyNormalization,
    RelaxedInstanceFrequencyNormalization,
    ResidualNormalization,
    SubSpectralNormalization,
    TimeAveragePooling,
)
from asc_tf.models import bc_resnet_asc
from asc_tf.training.fit import save_model
from asc_tf.training.precision import is_mixed, with_precision, with_scaled_loss
from asc_tf.training.seeding import set_seed

SHAPE = (32, 24, 1)
MIXED = ("mixed_float16", "mixed_bfloat16")


@pytest.fixture(scope="module")
def network():
    set_seed(0)
    return bc_resnet_asc(SHAPE, 3, width=4, depth=(1, 1, 1, 1))


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(0).normal(size=(4, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def in_16_bits(network):
    """Function from the precision to the network in it. Do not change it."""
    return functools.cache(lambda precision: with_precision(network, precision))


@pytest.mark.parametrize("precision", MIXED)
def test_layers_compute_in_16_bits_weights_and_logits_are_float32(network, in_16_bits, clips, precision):
    mixed = in_16_bits(precision)
    convolutions = [layer for layer in mixed.layers if isinstance(layer, keras.layers.Conv2D)]
    assert is_mixed(mixed) and not is_mixed(network)
    assert {layer.compute_dtype for layer in convolutions} == {precision.removeprefix("mixed_")}
    assert {weight.dtype for weight in mixed.weights} == {tf.float32} and mixed(clips).dtype == tf.float32
    np.testing.assert_allclose(mixed(clips), network(clips), atol=0.1)


@pytest.mark.parametrize("precision", MIXED)
def test_back_in_float32_it_is_the_network_that_it_was(network, in_16_bits, clips, precision):
    back = with_precision(in_16_bits(precision), "float32")
    assert [layer.get_config() for layer in back.layers] == [layer.get_config() for layer in network.layers]
    np.testing.assert_array_equal(back(clips), network(clips))


@pytest.mark.parametrize(
    "layer",
    [
        BatchNormalization(),
        SubSpectralNormalization(2),
        ResidualNormalization(),
        RelaxedInstanceFrequencyNormalization(),
        GlobalFrequencyNormalization([0.0] * 8, [1.0] * 8),
        FrequencyAveragePooling(),
        TimeAveragePooling(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_statistics_of_16_bit_inputs_are_those_of_float32(layer):
    """2,048 equal numbers of 60 have a sum over float16's largest number, and squares too."""
    x = tf.fill((4, 8, 64, 2), tf.constant(60.0, tf.float16)) + tf.cast(tf.range(64)[:, None] % 2, tf.float16)
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_float16"})
    expected, found = layer(tf.cast(x, tf.float32), training=True), half(x, training=True)
    assert found.dtype == tf.float16
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("precision", MIXED)
def test_it_trains_and_what_is_saved_is_float32(network, clips, precision, tmp_path):
    mixed = with_precision(network, precision)
    optimizer = with_scaled_loss(keras.optimizers.SGD(0.05, momentum=0.9), mixed)
    assert isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer) == (precision == "mixed_float16")
    mixed.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    labels = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    losses = mixed.fit(clips, labels, epochs=12, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < 0.8 * losses[0]
    save_model(mixed, tmp_path / "network.keras")
    kept = keras.models.load_model(tmp_path / "network.keras", compile=False)
    assert not is_mixed(kept)
    for weight, expected in zip(kept.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
