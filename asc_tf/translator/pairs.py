"""Pairs of clips, one segment recorded by two devices: found, held out, counted. Needs no TensorFlow."""

from collections.abc import Sequence

import pandas as pd

from asc_tf.data.clips import hold_out_locations
from asc_tf.errors import AscError

SEGMENT = ["scene", "location", "segment", "piece"]


def find_pairs(clips: pd.DataFrame, source: str, targets: Sequence[str]) -> pd.DataFrame:
    """Pair every clip of a device with the clips of other devices of the same scene, location and segment.

    Args:
        clips: frame of `asc_tf.data.clips.read_clips`, training clips only.
        source: device to translate from.
        targets: devices to translate to.

    Returns:
        A frame, one row a pair, ordered by the target's name: scene, location, device (the target), source and target
        (filenames).

    Raises:
        AscError: a device has no clips, or a target shares no segment with the source.
    """
    devices = sorted(clips.device.unique())
    for device in (source, *targets):
        if device not in devices:
            raise AscError(f"device '{device}' has no clips in the training part; expected one of {', '.join(devices)}")
    if source in targets or len(set(targets)) < len(targets):
        raise AscError(f"translation from {source} to {', '.join(targets)}: expected different devices, each once")
    heard = clips[clips.device == source].rename(columns={"filename": "source"})[[*SEGMENT, "source"]]
    others = clips[clips.device.isin(targets)].rename(columns={"filename": "target"})[[*SEGMENT, "device", "target"]]
    pairs = others.merge(heard, on=SEGMENT).sort_values("target", ignore_index=True)
    for device in targets:
        if device not in set(pairs.device):
            raise AscError(f"device '{device}' heard no training segment that device '{source}' heard too")
    return pairs[["scene", "location", "device", "source", "target"]]


def hold_out_pairs(pairs, fraction, seed=0):
    """Choose pairs to measure the translation on: whole locations, about the same share for each target.

    The locations drawn for a device depend on its pairs alone, so that translators to one device and to several are
    measured on the same clips. Translators to several may be measured on more clips, since a location is held out for
    all devices.

    Args:
        pairs: frame with columns location and device.
        fraction: share of each device's locations, above 0.
        seed: seed of the draw.

    Returns:
        Boolean array [pairs].

    Raises:
        AscError: a device has pairs of one location only, or all its locations are held out.
    """
    held_out = set()
    for device, group in pairs.groupby("device"):
        if group.location.nunique() < 2:
            raise AscError(
                f"device '{device}' has pairs of only one location ({group.location.iloc[0]}); "
                "expected two or more, since some are held out"
            )
        held_out.update(group.location[hold_out_locations(group.assign(scene=device), fraction, seed)])
    for device, group in pairs.groupby("device"):
        if group.location.isin(held_out).all():
            raise AscError(
                f"device '{device}' has no locations left to train on: all {group.location.nunique()} are held out; "
                "give a lower --held-out or another --seed"
            )
    return pairs.location.isin(held_out).to_numpy()


def pairs_table(pairs):
    """Pairs found, kept and dropped, with lag and correlation of the kept ones, by target device, as a frame."""
    rows = {}
    for device, group in pairs.groupby("device"):
        kept = group[group.kept]
        lag = kept.lag_ms
        rows[device] = {
            "pairs": len(group),
            "kept": len(kept),
            "dropped": len(group) - len(kept),
            "median lag ms": lag.median(),
            "min": lag.min(),
            "max": lag.max(),
            "median correlation": kept.correlation.median(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
