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
    """Keep TensorFlow silent below errors when it is imported; TF_CPP_MIN_LOG_LEVEL, where it is set, decides instead.

    From 2.21 on, TensorFlow's libraries print absl log lines while they load, before they read any log level.
    """
    if os.environ.setdefault(_LEVEL, "3") != "3":
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if _QuietImport not in sys.meta_path:
        sys.meta_path.insert(0, _QuietImport)


class _QuietImport:
    """An import hook: finds TensorFlow where Python would, and hides what its libraries print while they load."""

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
    """Discard what C++ code prints to standard error inside the block; Python's own output still appears.

    LiteRT and the TFLite converter announce every delegate and ignored option there, and no option stops them. Their
    errors reach Python as exceptions, so no error is lost. The descriptor belongs to the whole process, so other
    threads wait before their own blocks.
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
    """Discard what the block logs without a logger of its own, as modules do while they are imported.

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
    """Discard what C++ code prints to standard error until the process ends; Python's own output still appears.

    TensorFlow's workers report every lost peer there, through a log that ignores every level. The messages stay where
    TF_CPP_MIN_LOG_LEVEL asks for them.
    """
    if os.environ.get(_LEVEL) == "3":
        _keep_python()
        _point_to_nowhere()


def _keep_python():
    """Point Python's standard error to a copy of descriptor 2, so that a change of the descriptor spares it."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no such descriptor, not a file, or closed
        sys.stderr.flush()
        if sys.stderr.fileno() == 2:
            sys.stderr = _python_stderr()


@functools.cache
def _python_stderr():
    """One stream for the process, never closed: a log handler made meanwhile keeps writing to it."""
    now = sys.stderr
    return os.fdopen(os.dup(2), "w", buffering=1, encoding=now.encoding, errors=now.errors)


def _point_to_nowhere():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
