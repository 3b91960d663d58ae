"""Keeping libraries' chatter off the user's terminal."""

import contextlib
import logging
import os
import sys
import threading

_LOCK = threading.RLock()


@contextlib.contextmanager
def native_stderr_hidden():
    """Discard what C++ code prints to standard error inside the block.

    LiteRT and the TFLite converter announce every delegate and ignored option there and offer no switch against it.
    Their errors reach Python as exceptions, so none is lost. The descriptor belongs to the whole process, so other
    threads wait at their blocks. Where a program runs with standard error closed, there is nothing to hide.
    """
    with _LOCK:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            kept = os.dup(2)
        except OSError:
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


@contextlib.contextmanager
def root_log_hidden():
    """Discard what is logged inside the block without a logger of its own, which a module does when it is imported.

    Without a handler, logging's functions would also install one for the rest of the process.
    """
    root, nowhere = logging.getLogger(), logging.NullHandler()

    def none(record):
        return False

    root.addFilter(none)
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
        root.removeFilter(none)


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
