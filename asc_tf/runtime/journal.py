"""Results on the disk as they come, so that a killed process loses none and repeats none."""

import fcntl
import json
import os
import time
from pathlib import Path

from asc_tf.errors import AscError

_SYNC_SECONDS = 1.0  # what a loss of power may cost; a killed process loses nothing that was written


class Journal:
    """A file of JSON lines, the first of which says what it belongs to; locked while it is open.

    Args:
        path: of the file; made if it is not there.
        belongs_to: dict; a journal that says something else is refused.

    Attributes:
        records: dicts that the file held already. A last line that was cut off by a kill is taken out of the file.

    Raises:
        AscError: the journal of something else, in use by another process, or it cannot be written.
    """

    def __init__(self, path, belongs_to):
        self._path, self._synced = Path(path), 0.0
        self._file = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab+", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            first, *self.records = self._recover() or [None]
        except BlockingIOError:
            self.close()
            raise AscError(f"{path}: another process is writing it; expected one at a time") from None
        except OSError as error:
            self.close()
            raise self._unwritable(error) from error
        if first is None:
            self.add(belongs_to)
        elif first != belongs_to:
            self.close()
            raise AscError(f"{path}: was begun with another model or folder; delete it or choose another --output")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def add(self, record):
        """Append one dict as a line."""
        try:
            line = memoryview(json.dumps(record).encode() + b"\n")
            while line:
                line = line[self._file.write(line) :]
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self):
        if self._file is not None:
            self._file.close()

    def delete(self):
        """Take it away once its records stand elsewhere."""
        self._path.unlink(missing_ok=True)

    def _recover(self):
        """All whole records; the file is cut behind the last of them."""
        self._file.seek(0)
        records, whole = [], 0
        for line in self._file.read().splitlines(keepends=True):
            try:
                record = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                record = None
            if not isinstance(record, dict):
                break
            records.append(record)
            whole += len(line)
        self._file.truncate(whole)
        return records

    def _unwritable(self, error):
        return AscError(f"{self._path}: cannot be written ({error.strerror or error})")
