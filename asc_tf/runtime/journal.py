"""Results on the disk as they come, so that a killed process loses none and repeats none."""

import contextlib
import json
import os
import time
from pathlib import Path

from asc_tf.atomic import check_replaceable, exclusive_file
from asc_tf.errors import AscError

FORMAT = "asc-tf predict journal 1"
_SYNC_SECONDS = 1.0  # what a loss of power may cost; a killed process loses nothing that was written


class Journal:
    """A file of JSON lines, the first of which says that it is a journal and what of; one process has it at a time.

    A file that does not say so is another's, and stays as it is.

    Args:
        path: of the file; made if it is not there.
        belongs_to: dict; a journal that says something else is refused.

    Attributes:
        records: dicts that the file held already. A last line that was cut off by a kill is taken out of the file.

    Raises:
        AscError: no journal, the journal of something else, in use by another process, or it cannot be written.
    """

    def __init__(self, path, belongs_to):
        self._path, self._synced = Path(path), 0.0
        self._header = _line({"format": FORMAT, **belongs_to})
        self.records = []
        with contextlib.ExitStack() as stack:
            check_replaceable(path)
            stack.enter_context(exclusive_file(path))
            try:
                self._file = stack.enter_context(self._path.open("ab+", buffering=0))
                self._begin()
            except OSError as error:
                raise self._unwritable(error) from error
            self._open = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._open.close()

    def add(self, record):
        """Append one dict as a line."""
        try:
            self._append(_line(record))
        except OSError as error:
            raise self._unwritable(error) from error

    def delete(self):
        """Take it away once its records stand elsewhere."""
        self._path.unlink(missing_ok=True)

    def _begin(self):
        """Read the records; cut the file behind the last whole one. Nothing is changed before it is known as ours."""
        self._file.seek(0)
        content = self._file.read()
        first, *lines = content.splitlines(keepends=True) or [b""]
        if self._header.startswith(content):  # a kill may have cut off the first line
            self._file.truncate(0)
            self._append(self._header)
            return
        known = _record(first)
        if known is None or known.get("format") != FORMAT:
            raise AscError(
                f"{self._path}: is no journal of 'asc-tf predict', which would keep its results there; "
                "move that file away or choose another --output"
            )
        if first != self._header:
            raise AscError(
                f"{self._path}: was begun with another model or folder; delete it or choose another --output"
            )
        whole = len(first)
        for line in lines:
            if (record := _record(line)) is None:
                break
            self.records.append(record)
            whole += len(line)
        self._file.truncate(whole)

    def _append(self, line):
        line = memoryview(line)
        while line:
            line = line[self._file.write(line) :]
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def _unwritable(self, error):
        return AscError(f"{self._path}: cannot be written ({error.strerror or error})")


def _line(record):
    return json.dumps(record).encode() + b"\n"


def _record(line):
    """The dict of a whole line, or None."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
