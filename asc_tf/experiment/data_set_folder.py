"""Folders that hold tables of one data set and are named after it."""

import itertools
import json
from pathlib import Path

from asc_tf.atomic import write_text
from asc_tf.experiment.strict_json import read_json

RECORD = "data_set.json"


def folder_on(root, beginning, ending=""):
    """The folder for tables on a data set: BEGINNING-NAME, and BEGINNING-NAME-2 for a second data set of that name.

    Args:
        root: of the data set; NAME is the name of its folder.
        beginning: path that the folder's path begins with.
        ending: text that it ends with.

    Raises:
        AscError: a folder's record of its data set is damaged.
    """
    root = Path(root).resolve()
    for number in itertools.count(1):
        again = f"-{number}" if number > 1 else ""
        folder = Path(f"{beginning}-{root.name}{again}{ending}")
        if not (folder / RECORD).is_file() or read_json(folder / RECORD) == _record(root):
            return folder


def write_root(folder, root):
    """Say in a folder of `folder_on` which data set it is for."""
    write_text(folder / RECORD, json.dumps(_record(root)) + "\n")


def _record(root):
    return {"root": str(Path(root).resolve())}
