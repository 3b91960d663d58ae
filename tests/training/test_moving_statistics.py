import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.layers import SubSpectralNormalization
from asc_tf.layers.batch_norm import BatchNormalization
from asc_tf.training.moving_statistics import measure


@pytest.fixture
def model():
    inputs = keras.Input((4, 3, 2))
    x = BatchNormalization(momentum=0.9, name="batch")(inputs)
    return keras.Model(inputs, SubSpectralNormalization(2, momentum=0.99, name="bands")(x))


def test_statistics_are_the_mean_over_the_batches_whatever_they_were(model):
    batches = 3 + 2 * np.random.default_rng(0).standard_normal((3, 16, 4, 3, 2)).astype(np.float32)
    batch, bands = model.get_layer("batch"), model.get_layer("bands")
    batch.moving_mean.assign([7.0, -7.0])
    batch.gamma.assign([2.0, 1.0])
    measure(model, tf.data.Dataset.from_tensor_slices((batches, np.zeros(3))))
    np.testing.assert_allclose(batch.moving_mean, batches.mean(axis=(1, 2, 3)).mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(batch.moving_variance, batches.var(axis=(1, 2, 3)).mean(axis=0), rtol=0.02)
    # Its input is normalized by each batch's own statistics, as in training.
    np.testing.assert_allclose(bands.moving_mean, np.zeros((2, 2)), atol=0.3)
    np.testing.assert_allclose(bands.moving_variance, [[4, 1], [4, 1]], rtol=0.2)


def test_a_frozen_layer_keeps_its_own_and_no_batches_are_refused(model):
    frozen = model.get_layer("batch")
    frozen.trainable = False
    frozen.moving_mean.assign([7.0, -7.0])
    measure(model, [(np.ones((2, 4, 3, 2), np.float32), None)])
    np.testing.assert_array_equal(frozen.moving_mean, [7.0, -7.0])
    with pytest.raises(ValueError, match="no batches to measure on"):
        measure(model, [])
