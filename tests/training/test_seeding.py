import numpy as np
import pytest
import tf_keras as keras
from tf_keras.src import backend

from asc_tf.training.seeding import set_seed


@pytest.fixture
def keras_seeded():
    """As after `keras.utils.set_random_seed` in a user's session or notebook, which tf_keras never takes back."""
    keras.utils.set_random_seed(0)
    yield
    backend._SEED_GENERATOR.generator = None


def weights_and_dropout():
    set_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8), keras.layers.Dropout(0.5)])
    return model.get_weights()[0], model.layers[1](np.ones((4, 8)), training=True).numpy()


def test_the_seed_decides_alone_after_set_random_seed_of_keras(keras_seeded):
    for one, other in zip(weights_and_dropout(), weights_and_dropout(), strict=True):
        np.testing.assert_array_equal(one, other)
