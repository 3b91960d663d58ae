"""Seeds of everything random in a training."""

import random

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.internals.tf_keras import forget_seed


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed the initial weights, dropout and everything else that draws random numbers.

    Call it before the model is built. Dropout then draws from `tf.random.Generator`s, whose state
    `EpochCheckpoints` keeps, so that a training that is resumed draws what the unbroken one would.
    (`keras.utils.set_random_seed` of tf_keras 2.16 fails on Python 3.12 as soon as a layer asks for a seed. Where it
    was called, its generator would go before this seed: it is taken away.)

    Args:
        seed: whole number, 0 or more.
        deterministic: let TensorFlow use deterministic kernels only, from here to the end of the process: the same
            seed then gives the same weights to the last bit on the same machine. Slower.
    """
    keras.backend.experimental.enable_tf_random_generator()
    forget_seed()
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
