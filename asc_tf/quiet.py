"""Keeping native libraries' chatter off the user's terminal."""

import contextlib
import os
import sys


@contextlib.contextmanager
def native_stderr_hidden():
    """Discard what C++ code prints to standard error inside the block.

    LiteRT and the TFLite converter announce every delegate and ignored option there and offer no switch against it.
    Their errors reach Python as exceptions, so none is lost.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def hide_native_stderr():
    """Discard what C++ code prints to standard error from here to the end of the process; Python's goes where it went.

    TensorFlow's workers report every lost peer there, by way of a log that heeds no level. Where TF_CPP_MIN_LOG_LEVEL
    asks for messages they stay.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
