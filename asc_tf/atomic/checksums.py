"""Files whose content is checked: SHA256SUMS, in the same folder, has a line for each."""

import contextlib
import hashlib
import re
from pathlib import Path

from asc_tf.atomic.files import whole_file, write_text
from asc_tf.errors import DamagedError

SUMS = "SHA256SUMS"


@contextlib.contextmanager
def checked_file(path):
    """As `whole_file`, and add the file's checksum to SHA256SUMS, the format of `sha256sum --check`.

    Call it while the folder is `exclusive`. The checksum is written before the file: if the process is killed in
    between, the missing or older file does not match its checksum and must be made again.
    """
    path = Path(path)
    with whole_file(path) as part:
        yield part
        _write({**_sums(path.parent), path.name: _digest(part.read_bytes())}, path.parent)


def write_checked(path, text):
    """Write a text file whole or not at all, with its checksum."""
    with checked_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_sums(folder):
    """Write SHA256SUMS for all files in a folder."""
    _write({path.name: _digest(path.read_bytes()) for path in folder.iterdir()}, folder)


def check_sums(folder):
    """Raise a DamagedError if a file that SHA256SUMS names is missing or changed."""
    for name in _sums(folder):
        try:
            read_checked(folder / name)
        except OSError as error:
            raise DamagedError(f"{folder / name}: cannot be read ({error.strerror or error})") from error


def read_checked(path):
    """Return the bytes of a file. A file without a line in SHA256SUMS (older versions wrote none) is not checked.

    Raises:
        DamagedError: the file differs from what was written.
        OSError: the file cannot be read.
    """
    path = Path(path)
    content = path.read_bytes()
    if _sums(path.parent).get(path.name) not in (None, _digest(content)):
        raise DamagedError(
            f"{path}: is damaged or was changed, for {SUMS} beside it has another checksum; "
            "restore it, or delete its line there if the change is meant"
        )
    return content


def _write(sums, folder):
    write_text(folder / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _sums(folder):
    """Return {name: checksum}; damaged lines are ignored."""
    try:
        text = (folder / SUMS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (.+)$", text, re.MULTILINE)}
