"""Seeds of all random draws in a training."""

import random

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.internals.tf_keras import forget_seed


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed the initial weights, dropout and everything else that draws random numbers.

    Call it before the model is built. Dropout then draws from `tf.random.Generator`s, whose state `EpochCheckpoints`
    keeps, so that a resumed training draws the same numbers as an unbroken one. (`keras.utils.set_random_seed` of
    tf_keras 2.16 fails on Python 3.12 as soon as a layer asks for a seed. Its generator, if it was called before, would
    override this seed and is removed.)

    Args:
        seed: whole number, 0 or more.
        deterministic: let TensorFlow use only deterministic kernels until the process ends: on the same machine the
            same seed then gives the same weights to the last bit. Slower.
    """
    keras.backend.experimental.enable_tf_random_generator()
    forget_seed()
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
