"""Places that one process writes at a time."""

import contextlib
import datetime
import fcntl
import json
import os
import shlex
import socket
import sys
import threading
from pathlib import Path

from asc_tf.atomic.checksums import SUMS
from asc_tf.atomic.files import PART
from asc_tf.errors import AscError

LOCK = ".asc-tf.lock"
_LONGEST = 300  # characters of a command that are shown
_held = threading.local()  # .locks: those that a thread has


def is_own(name):
    """Whether a name in a folder is one that this package's writing leaves there, and none of the user's."""
    return name.startswith((PART, LOCK)) or name == SUMS


@contextlib.contextmanager
def exclusive(folder, report=None):
    """Keep other processes and threads out of a folder for the length of the block.

    The lock dies with its process. A thread that has it may enter again. The folder goes at the end if it was made for
    the lock and nothing else is in it.

    Args:
        folder: made if it is not there; holds the lock's file, which says whose it is.
        report: called with a line for the user when another process must be waited for; None waits for none.

    Raises:
        AscError: another process is in it, and `report` is None; the folder cannot be written, or its file system knows
            no locks.
    """
    held = _held.__dict__.setdefault("locks", set())
    with _locked(Path(folder) / LOCK, folder, report, held):
        yield


@contextlib.contextmanager
def exclusive_file(path):
    """Keep others from writing a file for the length of the block, by a lock beside it. None is waited for."""
    path = Path(path)
    with _locked(path.with_name(f"{LOCK}-{path.name}"), path, None, set()):
        yield


@contextlib.contextmanager
def _locked(lock, place, report, held):
    made = []
    try:
        _make(lock.parent, made)
        key = (*_identity(os.stat(lock.parent)), lock.name)
        file = None if key in held else _acquired(lock, place, report, made)
    except OSError as error:
        _remove_empty(made)
        raise AscError(f"{place}: cannot be written ({error.strerror or error})") from error
    if file is None:
        yield
        return
    held.add(key)
    try:
        yield
    finally:
        held.remove(key)
        with contextlib.suppress(OSError):
            lock.unlink()
        _remove_empty(made)  # while others still wait, so that the next one makes the folder and removes it again
        os.close(file)


def _make(folder, made):
    """Make a folder, and add those that were not there to `made`, the inner ones first."""
    made += [each for each in (folder, *folder.parents) if not each.exists() and each not in made]
    folder.mkdir(parents=True, exist_ok=True)


def _acquired(lock, place, report, made):
    """The open file of a lock, locked. What its owner has deleted in the meantime is no lock any more."""
    while True:
        _make(lock.parent, made)
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        try:
            _wait(file, place, report)
            with contextlib.suppress(FileNotFoundError):
                if _identity(os.fstat(file)) == _identity(os.stat(lock)):
                    os.ftruncate(file, 0)
                    os.pwrite(file, json.dumps(_this_process()).encode(), 0)
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _wait(file, place, report):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = _owner(file)
        if report is None:
            raise AscError(f"{place}: another process is writing it{owner}; expected one at a time") from None
        report(f"waiting for another process that writes to {place}{owner}")
        fcntl.flock(file, fcntl.LOCK_EX)


def _identity(status):
    return status.st_dev, status.st_ino


def _remove_empty(folders):
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _this_process():
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.datetime.now().isoformat(" ", "seconds"),
        "command": shlex.join([Path(word).name for word in sys.orig_argv[:1]] + sys.orig_argv[1:]),
    }


def _owner(file):
    """ " (process N on HOST since TIME: COMMAND)" of a lock's owner; nothing if it has not said so yet."""
    try:
        owner = json.loads(os.pread(file, 1 << 16, 0))
        command = " ".join(owner["command"].encode("utf-8", "backslashreplace").decode().split())
        return f" (process {owner['process']} on {owner['host']} since {owner['since']}: {command[:_LONGEST]})"
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ""
