"""Results written to disk at once, so that a killed process loses none and repeats none."""

import contextlib
import json
import os
import time
from pathlib import Path

from asc_tf.atomic import check_replaceable, exclusive_file
from asc_tf.errors import AscError, unwritable

FORMAT = "asc-tf predict journal 1"
_SYNC_SECONDS = 1.0  # a power failure may lose this much; a killed process loses nothing that it wrote


class Journal:
    """A file of JSON lines; the first line identifies the journal and its subject. One process has it at a time.

    A file without such a line is not a journal of ours and is not changed.

    Args:
        path: of the file; made if missing.
        belongs_to: dict that identifies the subject; a journal with another one is refused.

    Attributes:
        records: dicts that the file already held. A last line that a kill cut off is removed from the file.

    Raises:
        AscError: no journal, a journal with another subject, one in use by another process, or one that cannot be
        written.
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
        """Delete the journal once its records are stored elsewhere."""
        self._path.unlink(missing_ok=True)

    def _begin(self):
        """Read the records; cut the file after the last whole one. A file that is not ours is not changed."""
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
                f"{self._path}: is no journal of 'asc-tf predict', whose results go there; "
                "move that file away, or give another --output"
            )
        if first != self._header:
            raise AscError(f"{self._path}: was begun with another model or folder; delete it, or give another --output")
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
        return unwritable(self._path, error)


def _line(record):
    return json.dumps(record).encode() + b"\n"


def _record(line):
    """The dict of a whole line, or None."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
