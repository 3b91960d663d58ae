"""Locks that let one process write a folder or file at a time."""

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
from asc_tf.errors import AscError, unwritable

LOCK = ".asc-tf.lock"
_LONGEST = 300  # characters of the owner's command that are shown
_ATTEMPTS = 100  # to use a folder that other processes remove
_held = threading.local()  # .locks: locks that the thread holds


def check_new(folder, kind, begun=()):
    """Raise an AscError if the folder of a new `kind` is there and holds files of someone else.

    Args:
        folder: path.
        kind: what will be made there, in words.
        begun: names that an interrupted making leaves there, besides those of every writing of this package.
    """
    if folder.exists() and (not folder.is_dir() or any(not _is_own(each.name, begun) for each in folder.iterdir())):
        raise AscError(f"{folder}: is not empty and holds no {kind}; expected a new folder")


def _is_own(name, begun):
    return name.startswith((PART, LOCK)) or name == SUMS or name in begun


@contextlib.contextmanager
def exclusive(folder, report=None):
    """Keep other processes and threads out of a folder for the length of the block.

    The lock ends with its process. A thread that holds it may enter again. At the end the folder is removed if it was
    made for the lock, is otherwise empty and no other process has entered in the meantime.

    Args:
        folder: made if missing; holds the lock file, which names the owner.
        report: function that gets one line for the user when another process holds the lock; None does not wait.

    Raises:
        AscError: another process holds the lock and `report` is None, the folder cannot be written, or its file system
            does not support locks.
    """
    held = _held.__dict__.setdefault("locks", set())
    with _locked(Path(folder) / LOCK, folder, report, held):
        yield


@contextlib.contextmanager
def exclusive_file(path):
    """Keep others from writing a file for the length of the block, by a lock beside the file; never waits."""
    path = Path(path)
    with _locked(path.with_name(f"{LOCK}-{path.name}"), path, None, set()):
        yield


@contextlib.contextmanager
def _locked(lock, place, report, held):
    made = []
    try:
        key = (*_identity(_in_folder(lock.parent, made, os.stat, lock.parent)), lock.name)
        file = None if key in held else _acquired(lock, place, report, made)
    except OSError as error:
        _remove_empty(made)
        raise unwritable(place, error) from error
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
        _remove_empty(made)  # others may still wait: the next one makes the folder and removes it again
        os.close(file)


def _make(folder, made):
    """Make a folder and its missing parents; append each folder made to `made`, innermost first."""
    made += [each for each in (folder, *folder.parents) if not each.exists() and each not in made]
    folder.mkdir(parents=True, exist_ok=True)


def _in_folder(folder, made, act, *arguments):
    """Make a folder and call a function that needs it; another process may remove the folder in between."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(FileNotFoundError, FileExistsError):  # the second: gone after mkdir had found it
            _make(folder, made)
            return act(*arguments)
    _make(folder, made)
    return act(*arguments)


def _acquired(lock, place, report, made):
    """Return the lock file, open and locked. A lock file that its owner has deleted in the meantime does not count."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        file = _in_folder(lock.parent, made, os.open, lock, flags, 0o666)
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
    """Return " (process N on HOST since TIME: COMMAND)" of a lock's owner; "" if not written yet."""
    try:
        owner = json.loads(os.pread(file, 1 << 16, 0))
        command = " ".join(owner["command"].encode("utf-8", "backslashreplace").decode().split())
        return f" (process {owner['process']} on {owner['host']} since {owner['since']}: {command[:_LONGEST]})"
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ""
