"""Clips of a data set as a pandas frame, and their splits."""

import os
import posixpath
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.layouts import foreign_table
from asc_tf.data.metadata import META_COLUMNS, check_spelling, named_table
from asc_tf.data.names import names_on_disk
from asc_tf.data.splits import keep_listed, official_split
from asc_tf.data.tables import read_table
from asc_tf.errors import AscError


def read_clips(root: str | os.PathLike, training_list: str | os.PathLike | None = None) -> pd.DataFrame:
    """Read the metadata of a data set in the layout of TAU Urban Acoustic Scenes, or in a registered layout.

    Reads ROOT/meta.csv and ROOT/evaluation_setup/fold1_train.csv and fold1_evaluate.csv (tab-separated; TAU 2020
    Mobile, TAU 2022 Mobile, or one's own). Labels and devices come from these files alone; no audio is opened. Blanks
    around labels are ignored. So is the Unicode form of file names: the result has the names as on the disk. A folder
    without meta.csv may be in a registered layout (`asc_tf.data.layouts.Layout`).

    Args:
        root: folder of the data set.
        training_list: table of the training clips to keep, such as split25.csv of DCASE 2024
            (`asc_tf.data.splits.list_path`); the other training clips are in neither part. None keeps all of them.

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
    meta, split = metadata_of(root)
    for column in META_COLUMNS[1:]:
        check_spelling(meta, column)
    split = official_split(root, meta) if split is None else split
    split = split if training_list is None else keep_listed(split, meta, training_list)
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


def metadata_of(root):
    """(`Table` of a data set's clips with checked names, split); the split is None where TAU's files have it.

    Raises:
        AscError: as `read_clips`, of meta.csv or a registered layout alone.
    """
    root = Path(root)
    table, split = foreign_table(root) or (read_table(root / "meta.csv", META_COLUMNS), None)
    return named_table(table), split


def check_audio_files(root, clips):
    """Raise an AscError that names the first missing clip of the frame and the number of missing ones."""
    missing = [name for name in clips.filename if not (Path(root) / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AscError(f"{Path(root) / missing[0]}{more}: no such file; expected every file that the metadata names")


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
                f"scene '{scene}' has only one training location ({min(locations)}); "
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


def _segment_and_piece(clip_id, scene, location, device):
    """Split airport-lisbon-1000-40000[-piece]-a; a name of another pattern becomes its own segment."""
    prefix, suffix = f"{scene}-{location}-", f"-{device}"
    if not (clip_id.startswith(prefix) and clip_id.endswith(suffix)):
        return clip_id, ""
    segment, _, piece = clip_id[len(prefix) : -len(suffix)].partition("-")
    return segment, piece
