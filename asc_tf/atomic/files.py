"""Files that appear whole or not at all."""

import contextlib
import functools
import itertools
import os
import re
import shutil
import socket
import stat
import time
import zlib
from pathlib import Path

from asc_tf.errors import AscError, unwritable

PART = ".part-"
_STALE_SECONDS = 86_400  # an older temporary file of another machine counts as left by a killed process
_KINDS = [(stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket")]
_numbers = itertools.count()
_swept = set()  # folders where this process has deleted what killed processes left


@contextlib.contextmanager
def whole_file(path):
    """Yield a temporary path beside `path`; move it there when the block ends well, delete it when it fails.

    `part_beside` makes the temporary name. Missing parent folders are made. A link stays a link: the file it names is
    written.

    Raises:
        AscError: something other than a file is at `path` (`check_replaceable`), or the file cannot be written: the
            disk is full, or a folder gives no permission.
    """
    check_replaceable(path)
    part = None
    try:
        final = Path(os.path.realpath(path) if os.path.islink(path) else path)
        final.parent.mkdir(parents=True, exist_ok=True)
        part = part_beside(final)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, final)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def write_text(path, text):
    """Write a text file whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def check_replaceable(path):
    """Raise an AscError if something other than a file is at `path`: a device, a pipe, a socket, a folder.

    A whole file replaces what is at `path`. A file in place of /dev/null would then fill the disk.
    """
    with contextlib.suppress(OSError):
        mode = os.stat(path).st_mode
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")
        if not stat.S_ISREG(mode):
            raise AscError(f"{path}: cannot be written (it is {kind}; expected the name of a file)")
    folder = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    if folder == "/dev" or folder.startswith("/proc/"):  # /dev/stdout may be a link to a file
        raise AscError(f"{path}: cannot be written ({folder} holds devices; expected the name of a file)")


def part_beside(path):
    """A temporary path beside `path`, `.part-...-NAME`, unique to this process and call.

    The file's ending stays, for writers that go by it. The first call in a folder deletes what killed processes left.
    """
    folder = path.parent
    if folder not in _swept:
        _swept.add(folder)
        for left in folder.glob(f"{PART}*"):
            if _is_stale(left):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{PART}{_pid_space()}-{os.getpid()}-{next(_numbers)}-{path.name}")


def _is_stale(part):
    """Whether the process that made a temporary path is gone; after a day, if it ran on another machine."""
    made = re.match(rf"{re.escape(PART)}([0-9a-f]{{8}})-(\d+)-\d+-", part.name)
    if made is None:  # another program's
        return False
    try:
        if made[1] == _pid_space():
            os.kill(int(made[2]), 0)
            return False
        return time.time() - part.stat().st_mtime > _STALE_SECONDS
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # another user's process, or the path is gone
        return False


@functools.cache
def _pid_space():
    """Eight digits that identify this machine since its last start: only there does a process number mean the same."""
    words = [socket.gethostname()]
    with contextlib.suppress(OSError):
        words += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    return f"{zlib.crc32(' '.join(words).encode()):08x}"
