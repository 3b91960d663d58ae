"""tf.data without its tuning thread, since the end of a `fit` or a validation would wait for that thread's rounds."""

import tensorflow as tf


def untuned(batches):
    """Return `batches` without autotuning; with it, closing the pipeline takes up to as long again as reading it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
