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
