"""Logits of clips that another program has written: a teacher that cannot run here, such as a transformer."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.names import LOGITS_FILES
from asc_tf.errors import AscError, unreadable


def is_logits_file(teacher):
    """Whether a name of distillation.teacher is one of a file and not of a run."""
    return Path(teacher).suffix in LOGITS_FILES


def read_logits(path, filenames, scenes):
    """Logits of clips from a file.

    Clips are found by the name of their file, without folder and ending. Further clips in the file are left out.

    Args:
        path: of a CSV file with the columns filename and one for each scene, separated by commas or tabs; or of an .npz
            file with filename [clips], scenes [classes] and logits [clips, classes].
        filenames: of the clips that are asked for.
        scenes: in the order of the result's columns.

    Returns:
        float32 [len(filenames), len(scenes)].

    Raises:
        AscError: no such file or a damaged one; a scene or a clip is missing, a clip is there twice, or a number is not
            finite.
    """
    try:
        table = _table(Path(path))
    except FileNotFoundError:
        raise AscError(f"{path}: no such file; expected logits of the training clips") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(path, error, "filename and logits of each scene") from error
    missing = [name for name in ("filename", *scenes) if name not in table.columns]
    if missing:
        raise AscError(f"{path}: has no column '{missing[0]}'; expected filename, {', '.join(scenes)}")
    table.index = [_clip_name(name) for name in table.filename]
    if not table.index.is_unique:
        raise AscError(f"{path}: has {table.index[table.index.duplicated()][0]} twice; expected a row for each clip")
    wanted = [_clip_name(name) for name in filenames]
    absent = [name for name in wanted if name not in table.index]
    if absent:
        raise AscError(f"{path}: lacks {len(absent):,} training clips, such as {absent[0]}; expected all of them")
    chosen = table.loc[wanted, list(scenes)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float32)
    if not np.isfinite(chosen).all():
        row = np.flatnonzero(~np.isfinite(chosen).all(axis=1))[0]
        raise AscError(f"{path}: the logits of {wanted[row]} are not all finite; expected finite numbers")
    return chosen


def _table(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8") as file:
            separator = "\t" if "\t" in file.readline() else ","
        return pd.read_csv(path, sep=separator)
    with np.load(path, allow_pickle=False) as arrays:
        table = pd.DataFrame(arrays["logits"], columns=[str(scene) for scene in arrays["scenes"]])
        table["filename"] = [str(name) for name in arrays["filename"]]
    return table


def _clip_name(filename):
    return Path(str(filename)).stem
