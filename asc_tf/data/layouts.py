"""Data sets in layouts other than TAU's, each read by a user's function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asc_tf.data.tables import Table
from asc_tf.errors import AscError
from asc_tf.extensions import LAYOUTS

COLUMNS = {"filename": "filename", "scene": "scene_label", "location": "identifier", "device": "source_label"}
SPLITS = ("train", "test", "")


@dataclass(frozen=True)
class Layout:
    """The layout of a data set's folder.

    Args:
        marker: file or folder in the root that tells this layout from others, such as "esc50.csv".
        read: function from the root, a `Path`, to a pandas frame of one row a clip, with the text columns filename
            (below the root, with / between folders), scene, device, location (the unit held out for validation) and
            split ("train", "test", or "" for neither). Names and labels are checked as TAU's are.
    """

    marker: str
    read: Callable[[Path], pd.DataFrame]


def foreign_table(root):
    """(`Table` with TAU's columns, list of each row's split) for a registered layout; None for TAU's layout.

    Raises:
        AscError: several layouts claim the folder, or the layout's function returns something other than expected.
    """
    if (root / "meta.csv").is_file():
        return None
    found = {name: LAYOUTS[name] for name in LAYOUTS if (root / LAYOUTS[name].marker).exists()}
    if len(found) > 1:
        raise AscError(f"{root}: has the markers of the layouts {' and '.join(found)}; expected that of one")
    if not found:
        return None
    ((name, layout),) = found.items()
    clips = layout.read(root)
    _check(clips, f"{root}: layout {name}")
    columns = {ours: clips[theirs].tolist() for theirs, ours in COLUMNS.items()}
    rows = list(range(1, len(clips) + 1))
    return Table(root / layout.marker, rows, columns), clips["split"].tolist()


def _check(clips, where):
    if not isinstance(clips, pd.DataFrame):
        raise AscError(f"{where}: read() returned {type(clips).__name__}; expected a pandas frame of one row a clip")
    missing = [name for name in (*COLUMNS, "split") if name not in clips]
    if missing:
        raise AscError(f"{where}: read() returned no column {', '.join(missing)}")
    if clips.empty:
        raise AscError(f"{where}: read() returned no clips; expected one or more")
    for column in (*COLUMNS, "split"):
        wrong = [value for value in clips[column] if not isinstance(value, str)]
        if wrong:
            raise AscError(f"{where}: {column} is {wrong[0]!r}; expected text")
    unknown = sorted(set(clips["split"]) - set(SPLITS))
    if unknown:
        raise AscError(f"{where}: split is '{unknown[0]}'; expected train, test or nothing")
