import numpy as np
import pytest
from layer_checks import copy_of

from asc_tf.layers import SubSpectralNormalization
from asc_tf.layers.sub_spectral_instance_norm import SubSpectralInstanceNormalization

FEATURES = np.random.default_rng(0).normal(3, 2, (3, 8, 5, 2)).astype(np.float32)


@pytest.mark.parametrize("clip", [0, 1, 2])
def test_a_clip_is_normalized_as_ssn_normalizes_a_batch_of_it_in_training(clip):
    layer, other = SubSpectralInstanceNormalization(4), SubSpectralNormalization(4)
    found = layer(FEATURES)
    other(FEATURES)
    gamma, beta = np.random.default_rng(1).normal(1, 1, (2, 4, 2)).astype(np.float32)
    layer.set_weights([gamma[:, None, None], beta[:, None, None]])
    other.set_weights([gamma, beta, *other.get_weights()[2:]])
    expected = other(FEATURES[clip : clip + 1], training=True)
    for training in (True, False):
        np.testing.assert_allclose(layer(FEATURES, training=training)[clip], expected[0], atol=1e-4)
    assert found.shape == FEATURES.shape


def test_bands_are_contiguous():
    found = SubSpectralInstanceNormalization(4)(FEATURES).numpy()
    bands = FEATURES.reshape(3, 4, 2, 5, 2)
    expected = (bands - bands.mean((2, 3), keepdims=True)) / bands.std((2, 3), keepdims=True)
    np.testing.assert_allclose(found.reshape(bands.shape), expected, atol=1e-3)


def test_config_and_bins_that_do_not_fit():
    layer = SubSpectralInstanceNormalization(3, epsilon=1e-3)
    assert copy_of(layer).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="got 8 frequency bins; expected a multiple of sub_bands = 3"):
        layer(FEATURES)
