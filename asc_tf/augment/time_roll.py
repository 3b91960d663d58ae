"""Rolling along time."""

import tensorflow as tf

from asc_tf.augment.augmentation import Augmentation, third


def time_roll(features, max_frames, seed, probability=1.0):
    """Roll every clip of a batch along time by its own shift; frames that leave at one end enter at the other.

    The shift is a whole number of frames, uniform in -max_frames ... max_frames.

    Args:
        features: [batch, frequency, time, channel].
        max_frames: largest shift; 1.5 s in QTI's papers, 50 frames at a 30 ms hop.
        seed: stateless seed, int [2].
        probability: probability that a clip is rolled at all; 1 in QTI's papers, 0.8 in HYU's.

    Returns:
        Of the shape of `features`.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1; Lee et al., DCASE Workshop 2022, section 4.1.
    """
    batch, time = tf.shape(features)[0], tf.shape(features)[2]
    shifts = tf.random.stateless_uniform((batch, 1), seed, -max_frames, max_frames + 1, dtype=tf.int32)
    if probability < 1:
        draws = tf.random.stateless_uniform((batch, 1), tf.random.fold_in(seed, 1))
        shifts = tf.where(draws < probability, shifts, 0)
    source = tf.math.floormod(tf.range(time)[tf.newaxis, :] - shifts, time)
    return tf.gather(features, source, axis=2, batch_dims=1)


def _roll(features, labels, seed, roll_frames=0, roll_probability=1.0):
    return time_roll(features, roll_frames, seed, roll_probability), labels


ROLL = Augmentation(_roll, place=10, switches=("roll_frames",), seed=third(0))
