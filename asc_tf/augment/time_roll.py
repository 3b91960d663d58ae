"""Rolling along time."""

import tensorflow as tf


def time_roll(features, max_frames, seed):
    """Roll every clip of a batch along time by its own shift; what leaves at one end enters at the other.

    The shift is a whole number of frames, uniform in -max_frames ... max_frames.

    Args:
        features: [batch, frequency, time, channel].
        max_frames: largest shift; 1.5 s in QTI's papers, 50 frames at a 30 ms hop.
        seed: stateless seed, int [2].

    Returns:
        Of the shape of `features`.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1.
    """
    batch, time = tf.shape(features)[0], tf.shape(features)[2]
    shifts = tf.random.stateless_uniform((batch, 1), seed, -max_frames, max_frames + 1, dtype=tf.int32)
    source = tf.math.floormod(tf.range(time)[tf.newaxis, :] - shifts, time)
    return tf.gather(features, source, axis=2, batch_dims=1)
