"""The folder of what was uploaded: of this process alone, and nothing stays in it for long."""

import contextlib
import os
import tempfile
import threading
import time
from pathlib import Path


@contextlib.contextmanager
def upload_folder(keep_seconds):
    """A new folder, whose files are deleted when they are old, and all of it at the end.

    A file cannot go with the answer to it: two who upload the same at once share one file of Gradio's, and the browser
    plays it.

    Args:
        keep_seconds: age at which a file is deleted, within a quarter of it.

    Yields:
        Path.
    """
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="asc-tf-serve-", ignore_cleanup_errors=True) as folder:

        def clean():
            while not stop.wait(keep_seconds / 4):
                delete_older(folder, keep_seconds)

        cleaner = threading.Thread(target=clean, name="delete uploads", daemon=True)
        cleaner.start()
        try:
            yield Path(folder)
        finally:
            stop.set()
            cleaner.join()


def delete_older(folder, seconds):
    """Delete the files below a folder that were not changed for so long, and folders that are empty then."""
    limit = time.time() - seconds
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_ctime < limit:
                    path.unlink()
        if place != str(folder):
            with contextlib.suppress(OSError):  # not empty, or just gone
                if Path(place).stat().st_mtime < limit:
                    os.rmdir(place)
