"""tf.data without its tuning thread, for whose rounds the end of a `fit` or of a validation would wait."""

import tensorflow as tf


def untuned(batches):
    """A tf.data whose end nothing waits for; else it takes up to as long again as its reading took."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
