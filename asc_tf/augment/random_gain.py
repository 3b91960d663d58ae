"""Random gain."""

import math

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, folded


def random_gain(features, max_db, seed, probability=1.0):
    """Make every clip of a batch louder or softer by a gain of its own, since microphones differ in sensitivity.

        x' = x + g ln(10) / 10,   g ~ Uniform(-max_db, max_db)

    On a logarithm of power this equals a gain of g dB on the waveform, except for bins at the floor of the log-mel:
    with a softer, or a slightly louder, waveform they stay at the floor; here they move too.

    Args:
        features: log-mel, natural logarithm of power [batch, frequency, time, channel].
        max_db: largest gain either way, in dB.
        seed: stateless seed, int [2].
        probability: probability that a clip's gain is changed at all.

    Returns:
        Of the shape of `features`.
    """
    batch = tf.shape(features)[0]
    gain_db = tf.random.stateless_uniform((batch, 1, 1, 1), seed, -max_db, max_db)
    if probability < 1:
        draws = tf.random.stateless_uniform((batch, 1, 1, 1), tf.random.fold_in(seed, 1))
        gain_db = tf.where(draws < probability, gain_db, 0)
    return features + gain_db * (math.log(10) / 10)


def _change_gain(features, labels, seed, gain_db=0.0, gain_probability=1.0):
    return random_gain(features, gain_db, seed, gain_probability), labels


GAIN = Augmentation(_change_gain, place=30, switches=("gain_db",), seed=folded(4))
