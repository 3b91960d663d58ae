"""Freq-MixStyle."""

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, folded
from asc_tf.augment.beta import stateless_beta


def freq_mixstyle(features, alpha, probability, seed, epsilon=1e-5):
    """Give each clip of a batch frequency-wise statistics between its own and those of another clip.

    A device shows in the mean and the deviation of each frequency bin; mixing these imitates devices that do not exist:

        x' = sigma' * (x - mu_nf) / sigma_nf + mu',   mu' = w mu_nf + (1 - w) mu_mf,   sigma' likewise

    mu and sigma are each clip's mean and deviation of a bin over time and channels, m runs through a random
    permutation of the batch, and w ~ Beta(alpha, alpha) is drawn for each clip. Labels stay.

    Args:
        features: [batch, frequency, time, channel].
        alpha: of the Beta distribution.
        probability: probability that a batch is treated at all.
        seed: stateless seed, int [2].
        epsilon: added to the variance.

    Returns:
        Of the shape of `features`.

    Reference: Zhou et al., "Domain Generalization with MixStyle", ICLR 2021, with statistics by frequency as in
    Schmid et al., "CP-JKU Submission to DCASE22", 2022.
    """
    seeds = tf.random.split(seed, 4)
    batch = tf.shape(features)[0]
    mean = tf.reduce_mean(features, axis=(2, 3), keepdims=True)
    centred = features - mean
    deviation = tf.sqrt(tf.reduce_mean(centred * centred, axis=(2, 3), keepdims=True) + epsilon)
    weight = stateless_beta((batch, 1, 1, 1), seeds[:2], alpha)
    order = tf.random.experimental.stateless_shuffle(tf.range(batch), seeds[2])
    mixed_mean, mixed_deviation = (weight * own + (1 - weight) * tf.gather(own, order) for own in (mean, deviation))
    treated = tf.random.stateless_uniform((), seeds[3]) < probability
    return tf.where(treated, mixed_deviation / deviation * centred + mixed_mean, features)


def _mix_styles(features, labels, seed, mixstyle_alpha=0.0, mixstyle_probability=0.4):
    return freq_mixstyle(features, mixstyle_alpha, mixstyle_probability, seed), labels


MIXSTYLE = Augmentation(_mix_styles, place=40, switches=("mixstyle_alpha",), seed=folded(3))
