import numpy as np
import pytest
import tf_keras as keras

from asc_tf.layers import DeviceResponse, SubSpectralInstanceNormalization
from asc_tf.models.network_file import read_network
from asc_tf.translator.unet import translate, unet

BINS = 64


def response_of(devices, bins=BINS):
    return np.random.default_rng(0).normal(0, 1, (devices, bins)).astype(np.float32)


@pytest.fixture(scope="module")
def small():
    return unet(response_of(3), width=4, depth=2, residual_blocks=2, feature_mean=-4.0, feature_std=2.0)


def test_parameters_by_hand(small):
    def ssn(channels):
        return 2 * 16 * channels

    down = (16 * 2 * 4 + 4) + (16 * 4 * 8 + ssn(8))
    residual = 2 * 2 * (9 * 8 * 8 + ssn(8))
    up = (16 * 8 * 4 + ssn(4)) + (16 * (4 + 4) * 1 + 1)
    trained = sum(int(np.prod(weight.shape)) for weight in small.trainable_weights)
    assert trained == 3 * BINS + down + residual + up


def test_the_default_is_as_wide_and_deep_as_in_the_docstring():
    model = unet(response_of(1, 256))
    norms = [layer for layer in model.layers if isinstance(layer, SubSpectralInstanceNormalization)]
    assert len(norms) == 3 + 12 + 3 and {layer.sub_bands for layer in norms} == {16}
    assert model.get_layer("residual6_add").output_shape == (None, 16, None, 512)
    assert [model.get_layer(f"down{level}_conv").filters for level in (1, 2, 3, 4)] == [64, 128, 256, 512]
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in model.layers) == 3


def test_it_begins_near_the_filter_and_keeps_units_and_shape(small):
    response = response_of(3)
    model = unet(response, width=4, depth=2, residual_blocks=1, feature_mean=-4.0, feature_std=2.0)
    features = np.random.default_rng(1).normal(-4, 2, (3, BINS, 12)).astype(np.float32)
    found = translate(model, features, np.array([0, 1, 2]))
    assert found.shape == features.shape and found.dtype == np.float32
    filtered = features + response[:, :, np.newaxis]
    assert np.abs(found - filtered).mean() < 0.2 * np.abs(response).mean()


def test_targets_differ_by_their_response_alone_at_first(small):
    features = np.random.default_rng(1).normal(-4, 2, (1, BINS, 8)).astype(np.float32).repeat(2, axis=0)
    one, other = translate(small, features, np.array([0, 2]))
    assert np.abs(one - other).max() > 0.5


@pytest.mark.parametrize("frames", [1, 13, 16])
def test_clips_of_any_length_are_translated_as_if_their_last_frame_went_on(small, frames):
    features = np.random.default_rng(2).normal(-4, 2, (2, BINS, frames)).astype(np.float32)
    longer = np.pad(features, ((0, 0), (0, 0), (0, 16 - frames)), mode="edge")
    found, expected = translate(small, features, np.array([1, 1])), translate(small, longer, np.array([1, 1]))
    assert found.shape == features.shape
    if frames >= 13:
        np.testing.assert_allclose(found, expected[:, :, :frames], atol=1e-4)


def test_it_is_saved_whole(small, tmp_path):
    small.save(tmp_path / "generator.keras")
    loaded = read_network(tmp_path / "generator.keras")
    features = np.random.default_rng(3).normal(-4, 2, (2, BINS, 20)).astype(np.float32)
    np.testing.assert_array_equal(
        translate(loaded, features, np.array([0, 2])), translate(small, features, np.array([0, 2]))
    )


def test_device_response_is_the_targets_row_in_every_frame():
    response = response_of(2, 5)
    found = DeviceResponse(response)([np.zeros((2, 5, 3, 4), np.float32), np.eye(2, dtype=np.float32)[[1, 0]]])
    np.testing.assert_array_equal(found, np.broadcast_to(response[[1, 0], :, None, None], (2, 5, 3, 1)))


def test_bins_that_do_not_fit_the_sub_bands():
    with pytest.raises(
        ValueError, match="40 mel bins, halved 1 times, are 20; expected a multiple of the 16 sub-bands"
    ):
        unet(response_of(1, 40), depth=1)
