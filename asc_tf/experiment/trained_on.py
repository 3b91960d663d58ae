"""A record of a run's training and validation clips, to notice when the metadata change.

The record is trained_on.csv.gz in the run folder; dataset.json holds its digest.
"""

import gzip
import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.atomic import checked_file, read_checked
from asc_tf.errors import AscError

FILE = "trained_on.csv.gz"
_MOST_BYTES = 1 << 28
_COLUMNS = {"scene": "scene", "device": "device", "part": "part (training or validation)"}


def trained_clips(clips, training, validation):
    """The clips that a run is trained and validated on.

    Args:
        clips: frame of `asc_tf.data.clips.read_clips`.
        training, validation: row numbers in the frame.

    Returns:
        Frame with columns filename, scene, device and part ("training" or "validation"), ordered by filename.
    """
    rows = np.concatenate([training, validation]).astype(int)
    part = np.repeat(["training", "validation"], [len(training), len(validation)])
    frame = clips.iloc[rows][["filename", "scene", "device"]].assign(part=part)
    return frame.sort_values("filename", ignore_index=True)


def digest_of(trained):
    """A text that identifies a frame of `trained_clips`, whatever wrote it."""
    return hashlib.sha256(_text(trained).encode()).hexdigest()


def write_trained(run, trained):
    """Write a frame of `trained_clips` into a run folder."""
    with checked_file(Path(run) / FILE) as part:
        part.write_bytes(gzip.compress(_text(trained).encode(), mtime=0))  # so that the same clips give the same bytes


def check_trained(run, dataset, trained):
    """Raise an AscError if the clips that a run would train on now differ from those that it was trained on.

    Args:
        run: run folder. An older one, without a digest, is not checked.
        dataset: `Dataset` of the run.
        trained: today's frame of `trained_clips`.
    """
    if dataset.clips_sha256 in ("", digest_of(trained)):
        return
    before = _read_trained(run, dataset)
    found = ", ".join(_differences(before, trained)) if before is not None else "other names, labels or parts"
    raise AscError(
        f"{run}: the data set has changed since the run began: {found} (metadata of {dataset.root}); "
        "expected the clips that it was trained on, or another run"
    )


def check_unseen(run, dataset, clips):
    """Raise an AscError if test clips are among those that a run was trained or validated on."""
    before = _read_trained(run, dataset)
    known = set() if before is None else {*before.filename}.intersection(clips.filename)
    if known:
        raise AscError(
            f"{run}: the data set has changed since the run began: it was trained on {_counted(len(known))} "
            f"of the test part, such as {min(known)}; expected others"
        )


def _read_trained(run, dataset):
    """The frame that `write_trained` wrote, or None if it is not there or damaged."""
    try:
        with gzip.open(io.BytesIO(read_checked(Path(run) / FILE))) as file:
            content = file.read(_MOST_BYTES)
        trained = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        return trained if digest_of(trained) == dataset.clips_sha256 else None
    except (AscError, OSError, ValueError, EOFError, zlib.error):
        return None


def _differences(before, now):
    """A description of the change."""
    both = before.merge(now, on="filename", suffixes=("_before", "_now"))
    for name, words in _COLUMNS.items():
        changed = both[both[f"{name}_before"] != both[f"{name}_now"]]
        if len(changed):
            first = changed.iloc[0]
            example = f"{first.filename} from {first[f'{name}_before']} to {first[f'{name}_now']}"
            yield f"{_counted(len(changed))} changed their {words}, {example}"
    for words, frame, other in (("are gone", before, now), ("are new", now, before)):
        names = {*frame.filename}.difference(other.filename)
        if names:
            yield f"{_counted(len(names))} {words}, {min(names)} for one"


def _counted(number):
    return f"{number:,} clip{'' if number == 1 else 's'}"


def _text(trained):
    return trained.to_csv(index=False, lineterminator="\n")
