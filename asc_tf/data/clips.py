"""Clips of a data set in the TAU layout as a pandas frame, and the splits of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.errors import AscError

META_COLUMNS = ("filename", "scene_label", "identifier", "source_label")


def read_clips(root):
    """Read the metadata of a data set in the TAU Urban Acoustic Scenes layout.

    Reads ROOT/meta.csv and ROOT/evaluation_setup/fold1_train.csv and fold1_evaluate.csv (tab-separated; TAU 2020
    Mobile, TAU 2022 Mobile, or one's own). Labels and devices come from these files alone. No audio is opened.

    Args:
        root: folder of the data set.

    Returns:
        A frame, one row per clip in the order of meta.csv, with columns
        filename (relative to root), clip_id, scene, device, city, location (city-location: the unit that is held
        out for validation), segment, piece ("" but for TAU 2022, whose 1 s pieces share a parent), parent (all
        pieces of one recording by one device) and split ("train", "test" or "": in neither).

    Raises:
        AscError: a missing folder or file, a missing column, an empty field, a clip named twice, in both splits,
            or in a split and not in meta.csv.
    """
    root = Path(root)
    if not root.is_dir():
        raise AscError(f"{root}: no such folder; expected a data set with meta.csv and evaluation_setup/")
    meta_path = root / "meta.csv"
    meta = _read_table(meta_path, META_COLUMNS)
    repeated = meta.filename[meta.filename.duplicated()]
    if len(repeated):
        raise AscError(f"{meta_path}: names {repeated.iloc[0]} twice")
    clips = pd.DataFrame(
        {
            "filename": meta.filename,
            "clip_id": meta.filename.map(lambda name: Path(name).stem),
            "scene": meta.scene_label,
            "device": meta.source_label,
            "city": meta.identifier.str.partition("-")[0],
            "location": meta.identifier,
        }
    )
    names = zip(clips.clip_id, clips.scene, clips.location, clips.device, strict=True)
    clips["segment"], clips["piece"] = zip(*(_segment_and_piece(*name) for name in names), strict=True)
    clips["parent"] = clips.scene + "-" + clips.location + "-" + clips.segment + "-" + clips.device
    clips["split"] = _split_column(root, clips)
    return clips


def check_audio_files(root, clips):
    """Raise an AscError that names the first clip of the frame that is not on disk, and how many there are."""
    missing = [name for name in clips.filename if not (Path(root) / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AscError(f"{Path(root) / missing[0]}{more}: named in the metadata and not on disk")


def hold_out_locations(clips, fraction, seed=0):
    """Choose training clips for validation, whole locations at a time.

    The official split of TAU has no validation part. Locations are drawn scene by scene, so that each scene is held out
    in about the same share; every recording and every piece of a location, on all devices, stays on one side.

    Args:
        clips: training clips, a frame of `read_clips`.
        fraction: share of each scene's locations, 0 to 1; at least one location is held out and one kept.
        seed: of the draw.

    Returns:
        Boolean array [clips], true where the clip is held out; all false if `fraction` is 0.

    Raises:
        AscError: a scene has one location only.
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
            # A location may be home to several scenes: leave each of them one.
            if all(others - held_out != {place} for others in places.values()):
                held_out.add(place)
    return clips.location.isin(held_out).to_numpy()


def scenes_of(clips):
    """The scene labels of a frame, sorted: the order of a network's outputs."""
    return sorted(clips.scene.unique())


def devices_of(clips):
    """The devices of a frame, sorted."""
    return sorted(clips.device.unique())


def _read_table(path, columns):
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise AscError(f"{path}: no such file; expected metadata in the TAU layout") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise AscError(f"{path}: is not a tab-separated table ({str(error).strip()})") from error
    except OSError as error:
        raise AscError(f"{path}: cannot be read ({error.strerror})") from error
    for column in columns:
        if column not in table.columns:
            raise AscError(f"{path}: has no column '{column}'; found {', '.join(map(str, table.columns))}")
        empty = np.flatnonzero(table[column].str.strip() == "")
        if len(empty):
            raise AscError(f"{path}: line {empty[0] + 2} has no {column}")
    if table.empty:
        raise AscError(f"{path}: names no clips")
    return table


def _segment_and_piece(clip_id, scene, location, device):
    """Split airport-lisbon-1000-40000[-piece]-a; a name of another pattern is a segment of its own."""
    prefix, suffix = f"{scene}-{location}-", f"-{device}"
    if not (clip_id.startswith(prefix) and clip_id.endswith(suffix)):
        return clip_id, ""
    segment, _, piece = clip_id[len(prefix) : -len(suffix)].partition("-")
    return segment, piece


def _split_column(root, clips):
    split = pd.Series("", index=clips.filename)
    for part, file in (("train", "fold1_train.csv"), ("test", "fold1_evaluate.csv")):
        path = root / "evaluation_setup" / file
        names = _read_table(path, ("filename",)).filename
        unknown = names[~names.isin(split.index)]
        if len(unknown):
            raise AscError(f"{path}: names {unknown.iloc[0]}, which meta.csv does not")
        taken = names[split[names].to_numpy() != ""]
        if len(taken):
            raise AscError(f"{path}: names {taken.iloc[0]}, which is in the training part as well")
        split[names] = part
    return split.to_numpy()
