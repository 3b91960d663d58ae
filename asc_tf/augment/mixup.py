"""Mixup."""

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, third
from asc_tf.augment.beta import stateless_beta


def mixup(features, labels, alpha, seed):
    """Blend every clip of a batch with another clip, and their labels likewise.

        x' = w x_i + (1 - w) x_j,   y' = w y_i + (1 - w) y_j,   w ~ Beta(alpha, alpha)

    j runs through a random permutation of the batch; the whole batch shares one weight w, as in the reference.

    Args:
        features: [batch, frequency, time, channel].
        labels: one-hot [batch, classes].
        alpha: of the Beta distribution; 0.3 in the papers.
        seed: stateless seed, int [2].

    Returns:
        (features, labels) of the same shapes.

    Reference: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    seeds = tf.random.split(seed, 3)
    weight = stateless_beta((), seeds[:2], alpha)
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(features)[0]), seeds[2])
    return tuple(weight * values + (1 - weight) * tf.gather(values, order) for values in (features, labels))


def _mix(features, labels, seed, mixup_alpha=0.0):
    return mixup(features, labels, mixup_alpha, seed)


MIXUP = Augmentation(_mix, place=60, switches=("mixup_alpha",), seed=third(2))
