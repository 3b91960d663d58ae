"""Random weights of the methods that blend clips."""

import tensorflow as tf


def stateless_beta(shape, seeds, alpha):
    """Draws of Beta(alpha, alpha), float32 of the given shape, as a ratio of two gamma draws.

    Args:
        shape: of the result.
        seeds: two stateless seeds, int [2, 2].
        alpha: of the distribution.
    """
    one, other = (tf.random.stateless_gamma(shape, seeds[i], alpha) for i in (0, 1))
    return one / (one + other)
