"""Mixup."""

import tensorflow as tf


def mixup(features, labels, alpha, seed):
    """Blend every clip of a batch with another one, and their labels likewise.

        x' = w x_i + (1 - w) x_j,   y' = w y_i + (1 - w) y_j,   w ~ Beta(alpha, alpha)

    j runs through a random permutation of the batch. Each clip draws a weight w of its own; the reference draws
    one for the batch.

    Args:
        features: [batch, frequency, time, channel].
        labels: one-hot [batch, classes].
        alpha: of the Beta distribution; 0.3 in the papers.
        seed: stateless seed, int [2].

    Returns:
        (features, labels) of the same shapes.

    Reference: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    batch = tf.shape(features)[0]
    seeds = tf.random.split(seed, 3)
    ones, others = (tf.random.stateless_gamma((batch,), seeds[i], alpha) for i in (0, 1))
    weight = ones / (ones + others)
    order = tf.random.experimental.stateless_shuffle(tf.range(batch), seeds[2])
    return tuple(_blend(values, tf.gather(values, order), weight) for values in (features, labels))


def _blend(values, partners, weight):
    weight = tf.reshape(weight, tf.concat([tf.shape(weight), tf.ones(tf.rank(values) - 1, tf.int32)], 0))
    return partners + weight * (values - partners)
