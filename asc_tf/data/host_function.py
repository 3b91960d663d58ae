"""Python functions inside tf.data pipelines, such that the process can end while one still runs."""

import atexit
import threading
import time

import tensorflow as tf

_calls = {"begun": 0, "ended": 0}
_counting = threading.Lock()  # += is not atomic between threads, least of all as AutoGraph writes it
_closing = False


def host_function(function, arguments, dtype):
    """`tf.numpy_function` that lets the interpreter end.

    A pipeline that is not read to its end fills its buffers in the background. A TensorFlow thread that asks for
    Python's lock after the interpreter has begun to shut down never gets it, and TensorFlow waits for that thread
    forever. So at exit all calls fail at once, until the buffers are full and no more calls come.

    Args:
        function: function from numpy arrays to a numpy array.
        arguments: tensors.
        dtype: type of the result; its shape is unknown.

    Returns:
        Tensor.
    """

    @tf.autograph.experimental.do_not_convert
    def call(*values):
        with _counting:
            _calls["begun"] += 1
        try:
            if _closing:
                raise InterruptedError
            return function(*values)
        finally:
            with _counting:
                _calls["ended"] += 1

    return tf.numpy_function(call, arguments, dtype, stateful=False)


def gather(features, rows):
    """Rows [batch, frequency, time] of an array or `StoredFeatures`, dtype unchanged, for row numbers int [batch]."""
    batch = host_function(lambda rows: features[rows], [rows], features.dtype)
    batch.set_shape((*rows.shape, *features.shape[1:]))
    return batch


@atexit.register
def _end_calls(interval_seconds=0.02, at_most_seconds=10):
    global _closing
    if not _calls["begun"]:
        return
    _closing = True
    for _ in range(round(at_most_seconds / interval_seconds)):
        before = dict(_calls)
        time.sleep(interval_seconds)
        if _calls == before and before["begun"] == before["ended"]:
            break
