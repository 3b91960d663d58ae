"""Steps of normalization by batch statistics, in the form that is fastest on a CPU."""

import functools

import tensorflow as tf

_FAST_CHANNELS, _FEW_CHANNELS = 16, 4
"""With AVX-512, oneDNN's forward kernels are 3 to 10 times slower unless the number of channels is a multiple of 16, or
below 16 a multiple of 4. On one machine 20, 28 and 36 were fast all the same (rows take 1.4 times as long there)."""


def is_slow(numbers):
    """Whether TensorFlow's own batch normalization is slow for this size of the last axis."""
    few = numbers < _FAST_CHANNELS and numbers % _FEW_CHANNELS == 0
    return bool(numbers % _FAST_CHANNELS) and not few and not _gpus()


@functools.cache
def _gpus():
    return len(tf.config.list_physical_devices("GPU"))


def static_shape(x):
    """Shape to reshape [batch, frequency, time, channel] back to, (-1, ...): plain numbers as far as known.

    Plain numbers are constants of the graph, and a deep network has dozens of these layers to trace.
    """
    return -1, x.shape[1], x.shape[2] or tf.shape(x)[2], x.shape[3]


def values_of(x):
    """Number of values per channel of [batch, frequency, time, channel], a float."""
    known = x.shape.num_elements()
    return known / x.shape[3] if known else tf.cast(tf.size(x), tf.float32) / x.shape[3]


def without_bessel(count):
    """Factor that removes Bessel's correction from a variance over this many values."""
    return (count - 1) / count


def fused_batch_norm(x, scale, offset, epsilon):
    """TensorFlow's operation in training: (outputs, mean, variance with Bessel's correction)."""
    none = tf.zeros((0,))
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=none, variance=none, epsilon=epsilon, is_training=True
    )[:3]


def replicas():
    """Number of replicas that share the batch of the present training step; 1 without `tf.distribute`."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def over_replicas(*values):
    """Means of each value over all replicas, of as many clips each; with one replica, the values themselves."""
    if replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def statistics_over_replicas(mean, variance):
    """Mean and variance over all replicas, of as many values each, from those of each replica, in one message.

    Each replica fills one row of a table of zeros: the sum over the replicas is the table with everyone's rows.
    """
    if replicas() == 1:
        return mean, variance
    context = tf.distribute.get_replica_context()
    own = tf.stack((mean, variance))
    row = tf.one_hot(context.replica_id_in_sync_group, replicas())
    table = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.tensordot(row, own, 0))
    means, variances = table[:, 0], table[:, 1]
    mean = tf.reduce_mean(means, axis=0)
    return mean, tf.reduce_mean(variances + tf.square(means - mean), axis=0)
