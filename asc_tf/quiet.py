"""Keeping libraries' chatter off the user's terminal."""

import contextlib
import functools
import importlib.machinery
import logging
import os
import sys
import threading

_LOCK = threading.RLock()
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def silence_tensorflow():
    """Let TensorFlow, when it is imported, say nothing below errors; if TF_CPP_MIN_LOG_LEVEL is set, what that says.

    From 2.21 on its libraries print lines of the absl log while they are loaded, before they look at any level.
    """
    if os.environ.setdefault(_LEVEL, "3") != "3":
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if _QuietImport not in sys.meta_path:
        sys.meta_path.insert(0, _QuietImport)


class _QuietImport:
    """Finds TensorFlow where Python would, and hides what its libraries print while they are loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name == "tensorflow" else None
        if spec is not None:
            spec.loader.exec_module = functools.partial(_quietly, spec.loader.exec_module)
        return spec


def _quietly(execute, module):
    with native_stderr_hidden():
        execute(module)


@contextlib.contextmanager
def native_stderr_hidden():
    """Discard what C++ code prints to standard error inside the block; Python's goes where it went.

    LiteRT and the TFLite converter announce every delegate and ignored option there and offer no switch against it.
    Their errors reach Python as exceptions, so none is lost. The descriptor belongs to the whole process, so other
    threads wait at their blocks.
    """
    with _LOCK:
        before = sys.stderr
        kept = os.dup(2)
        _keep_python()
        _point_to_nowhere()
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            sys.stderr = before


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
    if os.environ.get(_LEVEL) == "3":
        _keep_python()
        _point_to_nowhere()


def _keep_python():
    """Let Python's standard error go on to where descriptor 2 leads now, whatever becomes of the descriptor."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, or it is no file, or closed
        sys.stderr.flush()
        if sys.stderr.fileno() == 2:
            sys.stderr = _python_stderr()


@functools.cache
def _python_stderr():
    """One for the process, never closed: a log that is set up meanwhile goes on writing to it."""
    now = sys.stderr
    return os.fdopen(os.dup(2), "w", buffering=1, encoding=now.encoding, errors=now.errors)


def _point_to_nowhere():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
