"""Clips of a data set as a pandas frame, and their splits."""

import os
import posixpath
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.layouts import foreign_table
from asc_tf.data.names import escaped, filename_problem, label_problem, names_on_disk, plain, shown, spelling
from asc_tf.data.tables import Table, read_table
from asc_tf.errors import AscError

META_COLUMNS = ("filename", "scene_label", "identifier", "source_label")


def read_clips(root: str | os.PathLike) -> pd.DataFrame:
    """Read the metadata of a data set in the layout of TAU Urban Acoustic Scenes, or in a registered layout.

    Reads ROOT/meta.csv and ROOT/evaluation_setup/fold1_train.csv and fold1_evaluate.csv (tab-separated; TAU 2020
    Mobile, TAU 2022 Mobile, or one's own). Labels and devices come from these files alone; no audio is opened. Blanks
    around labels are ignored. So is the Unicode form of file names: the result has the names as on the disk. A folder
    without meta.csv may be in a registered layout (`asc_tf.data.layouts.Layout`).

    Args:
        root: folder of the data set.

    Returns:
        A frame, one row per clip in the order of meta.csv, with columns
        filename (relative to root), clip_id, scene, device, city, location (city-location: the unit that is held
        out for validation), segment, piece ("" but for TAU 2022, whose 1 s pieces share a parent), parent (all
        pieces of one recording by one device) and split ("train", "test" or "": in neither).

    Raises:
        AscError: a missing folder or file; a table that `asc_tf.data.tables.read_table` refuses; an invalid name
            (`asc_tf.data.names`); labels that differ only by case or underscores; a clip named twice, in both splits,
            or in a split and not in meta.csv; a split that contradicts meta.csv about a clip.

    Examples:
        >>> import asc_tf
        >>> clips = asc_tf.read_clips("TAU")
        >>> sorted(clips.split.unique())
        ['test', 'train']
    """
    root = Path(root)
    if not root.is_dir():
        raise AscError(f"{root}: no such folder; expected a data set with meta.csv and evaluation_setup/")
    table, split = foreign_table(root) or (read_table(root / "meta.csv", META_COLUMNS), None)
    meta = _named(table)
    for column in META_COLUMNS[1:]:
        _check_spelling(meta, column)
    split = _split_column(root, meta) if split is None else split
    filenames, scenes, locations, devices = meta.columns.values()
    clip_ids = [posixpath.splitext(posixpath.basename(name))[0] for name in filenames]
    rows = zip(clip_ids, scenes, locations, devices, strict=True)
    segments, pieces = zip(*(_segment_and_piece(*row) for row in rows), strict=True)
    return pd.DataFrame(
        {
            "filename": names_on_disk(root, filenames),
            "clip_id": clip_ids,
            "scene": scenes,
            "device": devices,
            "city": [location.partition("-")[0] for location in locations],
            "location": locations,
            "segment": segments,
            "piece": pieces,
            "parent": ["-".join(parts) for parts in zip(scenes, locations, segments, devices, strict=True)],
            "split": split,
        }
    )


def check_audio_files(root, clips):
    """Raise an AscError that names the first missing clip of the frame and the number of missing ones."""
    missing = [name for name in clips.filename if not (Path(root) / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AscError(f"{Path(root) / missing[0]}{more}: named in the metadata and not on disk")


def hold_out_locations(clips: pd.DataFrame, fraction: float, seed: int = 0) -> np.ndarray:
    """Choose training clips for validation, whole locations at a time.

    The official split of TAU has no validation part. Locations are drawn scene by scene, so that about the same share
    of each scene is held out. All recordings and pieces of a location, on all devices, stay on one side.

    Args:
        clips: training clips, a frame of `read_clips`.
        fraction: share of each scene's locations, 0 to 1; at least one location is held out and one kept.
        seed: seed of the draw.

    Returns:
        Boolean array [clips], true where the clip is held out; all false if `fraction` is 0.

    Raises:
        AscError: a scene has one location only.

    Examples:
        >>> import asc_tf
        >>> clips = asc_tf.read_clips("TAU")
        >>> training = clips[clips.split == "train"]
        >>> held_out = asc_tf.hold_out_locations(training, fraction=0.1)
        >>> set(training.location[held_out]) & set(training.location[~held_out])
        set()
    """
    if fraction == 0:
        return np.zeros(len(clips), bool)
    generator = np.random.default_rng(seed)
    places = {scene: set(group) for scene, group in clips.groupby("scene", sort=True).location}
    held_out = set()
    for scene, locations in places.items():
        if len(locations) < 2:
            raise AscError(
                f"scene '{scene}' was recorded at one training location only ({min(locations)}); "
                "a validation part needs two: set data.validation_fraction=0"
            )
        wanted = max(1, round(fraction * len(locations)))
        for place in generator.permutation(sorted(locations)):
            if len(held_out & locations) >= wanted:
                break
            # A location may belong to several scenes: leave one to each of them.
            if all(others - held_out != {place} for others in places.values()):
                held_out.add(place)
    return clips.location.isin(held_out).to_numpy()


def scenes_of(clips: pd.DataFrame) -> list[str]:
    """The scene labels of a frame, sorted: the order of a network's outputs."""
    return sorted(clips.scene.unique())


def devices_of(clips: pd.DataFrame) -> list[str]:
    """The devices of a frame, sorted."""
    return sorted(clips.device.unique())


def _named(table):
    """A table with its names in plain form (`asc_tf.data.names`), each name checked and every file named once."""
    columns = {}
    for column, values in table.columns.items():
        clean, problem = (plain, label_problem) if column != "filename" else (_plain_filename, filename_problem)
        options = {"is_folder": False} if column == "identifier" else {}
        known = {name: clean(name) for name in dict.fromkeys(values)}
        problems = {name: text for name, value in known.items() if (text := problem(value, **options))}
        if problems:
            row, name = next((row, name) for row, name in enumerate(values) if name in problems)
            if not known[name]:
                raise AscError(f"{table.at(row)} has no {column}")
            raise AscError(f"{table.at(row)}: {column} {shown(name)} {problems[name]}")
        columns[column] = [known[name] for name in values]
    first = {}
    for row, name in enumerate(columns["filename"]):
        if (other := first.setdefault(name, row)) != row:
            lines = f"lines {table.lines[other]} and {table.lines[row]}"
            raise AscError(f"{table.path}: names {escaped(name)} twice, in {lines}")
    return Table(table.path, table.lines, columns)


def _plain_filename(name):
    return unicodedata.normalize("NFC", name.strip(" "))


def _check_spelling(table, column):
    """Raise an AscError for labels of a column that readers cannot tell apart, and name a line of each."""
    lines = dict(zip(reversed(table.columns[column]), reversed(table.lines), strict=True))  # first line of each
    spellings = {}
    for name, line in sorted(lines.items(), key=lambda item: item[1]):
        other = spellings.setdefault(spelling(name), name)
        if other != name:
            raise AscError(
                f"{table.path}: {column} is {shown(other)} in line {lines[other]} and {shown(name)} in line {line}; "
                "expected one spelling"
            )


def _segment_and_piece(clip_id, scene, location, device):
    """Split airport-lisbon-1000-40000[-piece]-a; a name of another pattern becomes its own segment."""
    prefix, suffix = f"{scene}-{location}-", f"-{device}"
    if not (clip_id.startswith(prefix) and clip_id.endswith(suffix)):
        return clip_id, ""
    segment, _, piece = clip_id[len(prefix) : -len(suffix)].partition("-")
    return segment, piece


def _split_column(root, meta):
    """Part of each clip of meta.csv: "train", "test" or "", from the two files of the split."""
    row_of = {name: row for row, name in enumerate(meta.columns["filename"])}
    split = [""] * len(row_of)
    for part, file in (("train", "fold1_train.csv"), ("test", "fold1_evaluate.csv")):
        fold = _named(read_table(root / "evaluation_setup" / file, ("filename",), META_COLUMNS[1:]))
        for row, name in enumerate(fold.columns["filename"]):
            if name not in row_of:
                raise AscError(f"{fold.at(row)} names {escaped(name)}, which meta.csv does not")
            if split[row_of[name]]:
                raise AscError(f"{fold.at(row)} names {escaped(name)}, which is in the training part as well")
            for column, values in fold.columns.items():
                if values[row] != (ours := meta.columns[column][row_of[name]]):
                    raise AscError(
                        f"{fold.at(row)} says {column} {shown(values[row])} of {escaped(name)}, "
                        f"of which meta.csv says {shown(ours)}"
                    )
            split[row_of[name]] = part
    return split
