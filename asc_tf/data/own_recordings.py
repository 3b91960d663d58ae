"""A data set in the TAU layout from a user's recordings: cut into clips of one length, and split by location."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.atomic import exclusive
from asc_tf.audio.waveform import load_waveform
from asc_tf.data.clips import hold_out_locations
from asc_tf.data.names import LONGEST_LABEL_BYTES, spelling
from asc_tf.data.recordings import Recording
from asc_tf.data.tau_writer import claim_folder, write_clip, write_tables
from asc_tf.errors import AscError

SAMPLE_RATE_HZ = 44100
_TOLERANCE_SECONDS = 0.1  # that may be missing at the end of the last clip of a recording; zeros fill it
_PLAN = "recordings.json"


@dataclass(frozen=True)
class Plan:
    """The content of a data set to be written.

    Attributes:
        clips: a frame, one row a clip: path, begin_seconds, filename, scene, location, device, split, recording.
        too_short: paths of recordings shorter than a clip, which are left out.
        clip_seconds: length of every clip.
    """

    clips: pd.DataFrame
    too_short: tuple
    clip_seconds: float


def plan_clips(
    recordings: Sequence[Recording],
    clip_seconds: float = 10.0,
    hop_seconds: float | None = None,
    test_share: float = 0.2,
) -> Plan:
    """Cut recordings into clips and choose the test part; reads no audio.

    Whole locations are drawn for the test part, scene by scene: all clips of a recording, and all recordings of a
    location, are on one side. The same recordings give the same split.

    Args:
        recordings: of `find_recordings`.
        clip_seconds: length of a clip; a shorter rest at the end of a recording is dropped.
        hop_seconds: step from one clip's beginning to the next; None means `clip_seconds`, no overlap.
        test_share: share of each scene's locations, where the recordings do not state their split.

    Raises:
        AscError: lengths or a share out of range, no recording is long enough, a scene has a single location.
    """
    hop_seconds = clip_seconds if hop_seconds is None else hop_seconds
    if not 0.1 <= clip_seconds <= 3600 or not 0.05 <= hop_seconds <= 3600:
        raise AscError(f"clip_seconds is {clip_seconds:g} and hop_seconds {hop_seconds:g}; expected 0.1 to 3600")
    if not 0 < test_share < 1:
        raise AscError(f"test_share is {test_share:g}; expected more than 0 and less than 1")
    short = tuple(one.path for one in recordings if one.seconds < clip_seconds - _TOLERANCE_SECONDS)
    long = [one for one in recordings if one.seconds >= clip_seconds - _TOLERANCE_SECONDS]
    if not long:
        longest = max(one.seconds for one in recordings)
        raise AscError(f"--seconds {clip_seconds:g}: is longer than every recording; expected at most {longest:.1f}")
    names = _location_names(long)
    rows = []
    for number, one in enumerate(long):
        count = 1 + int((one.seconds - clip_seconds + _TOLERANCE_SECONDS) / hop_seconds)
        for piece in range(count):
            place = names[one.location]
            filename = f"audio/{one.scene}-{place}-{number:05d}-{piece:04d}-{one.device}.wav"
            begin = piece * hop_seconds
            rows.append((str(one.path), begin, filename, one.scene, place, one.device, one.split, number))
    columns = ("path", "begin_seconds", "filename", "scene", "location", "device", "split", "recording")
    clips = pd.DataFrame(rows, columns=columns)
    if (clips.split == "").any():
        clips["split"] = _split(clips, test_share)
    return Plan(clips, short, clip_seconds)


def _location_names(recordings):
    """A name for each location that fits into a file name and between the hyphens of TAU's names."""
    names, taken = {}, set()
    for location in sorted({one.location for one in recordings}):
        name = re.sub(r"\W+", "_", location).strip("_") or "place"
        name = name.encode()[: LONGEST_LABEL_BYTES - 9].decode(errors="ignore")
        if spelling(name) in taken:
            name = f"{name}_{zlib.crc32(location.encode()):08x}"
        taken.add(spelling(name))
        names[location] = name
    return names


def _split(clips, test_share):
    for scene, group in clips.groupby("scene"):
        if group.location.nunique() < 2:
            raise AscError(
                f"scene '{scene}' has only one location ({group.location.iloc[0]}); expected two or more, for a "
                "training "
                "and a test part"
            )
    test = hold_out_locations(clips, test_share)
    return pd.Series(test, clips.index).map({True: "test", False: "train"})


def plan_table(plan: Plan) -> str:
    """The plan as text: recordings, minutes, locations and clips of each scene, then clips of each device."""
    clips = plan.clips
    lines = [f"{'scene':<28}{'recordings':>11}{'locations':>11}{'training clips':>16}{'test clips':>12}"]
    for scene, group in clips.groupby("scene"):
        parts = group.split.value_counts()
        lines.append(
            f"{scene[:27]:<28}{group.recording.nunique():>11}{group.location.nunique():>11}"
            f"{parts.get('train', 0):>16}{parts.get('test', 0):>12}"
        )
    lines += ["", f"{'device':<28}{'':>22}{'training clips':>16}{'test clips':>12}"]
    for device, group in clips.groupby("device"):
        parts = group.split.value_counts()
        lines.append(f"{device[:27]:<28}{'':>22}{parts.get('train', 0):>16}{parts.get('test', 0):>12}")
    lines += ["", f"{len(clips)} clips of {plan.clip_seconds:g} s, {len(clips) * plan.clip_seconds / 60:.1f} minutes"]
    if plan.too_short:
        lines.append(f"{len(plan.too_short)} recordings are shorter than {plan.clip_seconds:g} s and left out, "
                     f"such as {plan.too_short[0]}")  # fmt: skip
    return "\n".join(lines)


def write_own_set(
    plan: Plan, out: str | os.PathLike, progress: Callable[[int, int], object] | None = None
) -> tuple[int, int]:
    """Write the data set of a plan: 24-bit mono WAV at 44.1 kHz and TAU's tables. A second call continues.

    Args:
        plan: a `Plan`.
        out: folder to make.
        progress: called as progress(done, total) after each recording, if given.

    Returns:
        (number of training clips, number of test clips).

    Raises:
        AscError: `out` holds something else or is being written by another process, or a recording cannot be read.
    """
    with exclusive(out):
        return _write_own_set(plan, Path(out), progress)


def _write_own_set(plan, out, progress):
    clips = plan.clips
    columns = ["path", "begin_seconds", "filename", "split"]
    made = {"clip_seconds": plan.clip_seconds, "clips": clips[columns].values.tolist()}
    claim_folder(out / _PLAN, json.dumps(made) + "\n", "data make", "of other recordings or another length")
    samples = round(plan.clip_seconds * SAMPLE_RATE_HZ)
    for done, (path, group) in enumerate(clips.groupby("path"), 1):
        missing = [clip for clip in group.itertuples() if not (out / clip.filename).is_file()]
        if missing:
            waveform = load_waveform(path, SAMPLE_RATE_HZ)
        for clip in missing:
            begin = round(clip.begin_seconds * SAMPLE_RATE_HZ)
            piece = waveform[begin : begin + samples]
            write_clip(out / clip.filename, np.pad(piece, (0, samples - len(piece))), SAMPLE_RATE_HZ)
        if progress is not None:
            progress(done, clips.path.nunique())
    rows = clips[["filename", "scene", "location", "device", "split"]].itertuples(index=False, name=None)
    return write_tables(out, sorted(rows))
