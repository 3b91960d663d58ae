"""tf.data without its tuning thread, for whose rounds the end of a `fit` or of a validation would wait."""

import functools

import tensorflow as tf
from tensorflow.python.data.ops import multi_device_iterator_ops


def untuned(batches):
    """A tf.data whose end nothing waits for; else it takes up to as long again as its reading took."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def untune_devices():
    """The same for what a `tf.distribute.Strategy` makes for each device of the data given to it.

    TensorFlow lets nobody set the options of these; without its inner function they stay as they are.
    """
    make = getattr(multi_device_iterator_ops, "_create_device_dataset", None)
    if make is None or hasattr(make, "__wrapped__"):
        return

    @functools.wraps(make)
    def make_untuned(*arguments, **named):
        return untuned(make(*arguments, **named))

    multi_device_iterator_ops._create_device_dataset = make_untuned
