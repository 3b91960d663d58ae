"""A user's recordings, of any length and format, with their scenes, devices and locations."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from asc_tf.audio.waveform import audio_seconds
from asc_tf.data.names import check_labels, plain
from asc_tf.errors import AscError, unreadable

UNKNOWN_DEVICE = "unknown"
LEVELS = ("scene", "device", "location")
_COLUMNS = ("filename", "scene", "device", "location", "split")


@dataclass(frozen=True)
class Recording:
    """One audio file.

    Attributes:
        path: of the file.
        scene: its label.
        device: name of the recording device.
        location: place; recordings of one location stay together. The file's own name if no source states the place.
        split: "train", "test", or "" if not decided yet.
        seconds: its length.
    """

    path: Path
    scene: str
    device: str = UNKNOWN_DEVICE
    location: str = ""
    split: str = ""
    seconds: float = 0.0


def find_recordings(source: str | os.PathLike, folders: str = "scene") -> tuple[list[Recording], list[str]]:
    """Find the recordings in a folder of scenes, or by a table.

    Args:
        source: a folder, or a CSV file (comma, semicolon or tab) with the columns filename and scene, and optionally
            device, location and split (train or test); file names are relative to the CSV file.
        folders: meaning of the folders below `source`, outermost first: "scene", "scene/device", "scene/location",
            "device/scene/location" ... Deeper folders are ignored.

    Returns:
        (list of `Recording`, sorted by path; list of errors: one line for each file that is not readable audio).

    Raises:
        AscError: `source` is neither, `folders` names no scene, a column or a folder is missing, a label is invalid
            (`asc_tf.data.names`), or nothing was found.
    """
    source = Path(source)
    if source.is_dir():
        found = _in_folder(source, folders)
    elif source.is_file():
        found = _in_table(source)
    else:
        raise AscError(f"{source}: no such file; expected a folder with a folder for each scene, or a CSV file")
    found = [_named(one) for one in found]
    check_labels(source, "scene", sorted({one.scene for one in found}))
    check_labels(source, "device", sorted({one.device for one in found}))
    check_labels(
        source, "location", sorted({one.location for one in found} - {_own_place(one) for one in found}), False
    )
    recordings, errors = [], []
    for recording in sorted(found, key=lambda one: one.path):
        try:
            seconds = audio_seconds(recording.path)
        except AscError as error:
            errors.append(str(error))
            continue
        recordings.append(replace(recording, seconds=seconds))
    if not recordings:
        raise AscError(
            f"{source}: holds no audio file that can be read ({len(errors)} could not); expected one or more"
        )
    return recordings, errors


def _named(one):
    """A recording with its labels in plain form (`asc_tf.data.names`)."""
    place = one.location if one.location == _own_place(one) else plain(one.location)
    return replace(one, scene=plain(one.scene), device=plain(one.device), location=place)


def _own_place(one):
    """The location of a recording without a stated location: the end of its path, which may be no valid label."""
    return str(one.path.with_suffix(""))[-len(one.location) :]


def _in_folder(root, folders):
    levels = folders.split("/")
    if "scene" not in levels or len(set(levels)) < len(levels) or not set(levels) <= set(LEVELS):
        raise AscError(f"--folders {folders}: expected scene, and device or location before or behind it: scene/device")
    for path in sorted(root.rglob("*")):
        names = path.relative_to(root).parts
        if not path.is_file() or any(name.startswith(".") for name in names):
            continue
        if len(names) <= len(levels):
            raise AscError(f"{path}: is not deep enough in folders; expected {root}/{folders.upper()}/FILE")
        known = dict(zip(levels, names, strict=False))
        yield Recording(path, **{"location": str(path.relative_to(root).with_suffix("")), **known})


def _in_table(path):
    try:
        table = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise unreadable(path, error, "a table of recordings") from error
    missing = [name for name in ("filename", "scene") if name not in table.columns]
    unknown = [name for name in table.columns if name not in _COLUMNS]
    if missing or unknown:
        raise AscError(
            f"{path}: has the columns {', '.join(map(str, table.columns))}; expected filename and scene, and device, "
            "location and split where they are known"
        )
    for line, row in enumerate(table.to_dict("records"), 2):
        if empty := [name for name, value in row.items() if not value.strip()]:
            raise AscError(f"{path}: line {line} has no {empty[0]}")
        if row.get("split", "train") not in ("train", "test"):
            raise AscError(f"{path}: line {line} has the split '{row['split']}'; expected train or test")
        name = row.pop("filename")
        yield Recording(path.parent / name, **{"location": str(Path(name).with_suffix("")), **row})
