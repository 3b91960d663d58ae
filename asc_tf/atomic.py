"""Files that appear whole or not at all."""

import contextlib
import fcntl
import os
import uuid
from pathlib import Path

from asc_tf.errors import AscError


@contextlib.contextmanager
def whole_file(path, rivals=False):
    """Yield a temporary path beside `path`; move it there when the block ends well, delete it when it fails.

    The temporary name, `.part-NAME`, keeps the ending, for writers that go by it, and is always the same, so that what
    a killed process leaves is overwritten by the next try. Missing parent folders are made.

    Args:
        path: of the file.
        rivals: others may write the same file at this moment, on other machines too. Each then has a temporary name of
            its own, `.part-...-NAME`; the caller deletes what killed ones leave.

    Raises:
        AscError: the file cannot be written: a full disk, a folder without permission.
    """
    path = Path(path)
    part = path.with_name(f".part-{uuid.uuid4().hex}-{path.name}" if rivals else f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise AscError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write_text(path, text):
    """Write a text file whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def exclusive(folder, report):
    """Keep other processes out of a folder for the length of the block, by a lock that dies with its process.

    Args:
        folder: made if it is not there; holds the lock's file, `.lock`.
        report: called with a line for the user when another process must be waited for.

    Raises:
        AscError: the folder cannot be written, or its file system knows no locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / ".lock").open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another process that writes to {folder}")
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise AscError(f"{folder}: cannot be written ({error.strerror or error})") from error
        yield
