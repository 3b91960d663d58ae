"""Files that appear whole or not at all."""

import contextlib
import os
from pathlib import Path

from asc_tf.errors import AscError


@contextlib.contextmanager
def whole_file(path):
    """Yield a temporary path beside `path`; move it there when the block ends well, delete it when it fails.

    The temporary name, `.part-NAME`, keeps the ending, for writers that go by it, and is always the same, so that what
    a killed process leaves is overwritten by the next try. Missing parent folders are made.

    Raises:
        AscError: the file cannot be written: a full disk, a folder without permission.
    """
    path = Path(path)
    part = path.with_name(f".part-{path.name}")
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
