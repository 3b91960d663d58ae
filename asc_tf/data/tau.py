"""TAU Urban Acoustic Scenes Mobile, development sets 2020 and 2022: published counts and a check against them."""

from dataclasses import dataclass

import pandas as pd

from asc_tf.data.clips import check_audio_files, devices_of, metadata_of
from asc_tf.data.splits import keep_listed, list_path, lists_of
from asc_tf.errors import AscError

SCENES = (
    "airport", "bus", "metro", "metro_station", "park",
    "public_square", "shopping_mall", "street_pedestrian", "street_traffic", "tram",
)  # fmt: skip
CITIES = (
    "barcelona", "helsinki", "lisbon", "london", "lyon", "milan", "paris", "prague", "stockholm", "vienna",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """Counts of a published data set: all clips, and clips per device of the official training and test part."""

    name: str
    clips: int
    train: dict
    test: dict


def _counts(times):
    train = {"a": 10215, "b": 749, "c": 748, "s1": 750, "s2": 750, "s3": 750}
    test = {"a": 330, "b": 329, "c": 329, **{f"s{i}": 330 for i in range(1, 7)}}
    return {d: times * n for d, n in train.items()}, {d: times * n for d, n in test.items()}


PUBLISHED = {
    "tau2020": Published("TAU Urban Acoustic Scenes 2020 Mobile, development", 23035, *_counts(1)),
    "tau2022": Published("TAU Urban Acoustic Scenes 2022 Mobile, development", 230350, *_counts(10)),
}
PUBLISHED_LISTS = {"split5": 6_980, "split50": 69_800, "split100": 139_620}
"""Training clips of TAU 2022 Mobile in the lists of DCASE 2024; of split10 and split25 only the share is published."""


def published_like(clips):
    """The key in PUBLISHED of the data set that a frame of clips is, or is part of; None for the user's own data set.

    Its scenes, cities, devices and names must be TAU's, and no device may have more clips than were published.
    """
    prefix = clips.scene + "-" + clips.location + "-"
    parts = prefix + clips.segment + (("-" + clips.piece).where(clips.piece != "", "")) + "-" + clips.device
    if not (set(clips.scene) <= set(SCENES) and set(clips.city) <= set(CITIES) and (clips.clip_id == parts).all()):
        return None
    key = "tau2022" if (clips.piece != "").any() else "tau2020"
    more = any(ours > theirs for _, ours, theirs in _compared(clips, key))
    return None if more else key


def count_table(clips, by):
    """Clips per split (columns train, test, in neither) and `by` "device" or "scene", with totals."""
    table = pd.crosstab(clips[by], clips.split).reindex(columns=["train", "test", ""], fill_value=0)
    table.columns = ["train", "test", "neither"]
    table.loc["all"] = table.sum()
    return table


def compare_with_published(clips, key):
    """Differences between a frame of clips and the published counts, one line each; empty if they agree."""
    return [f"{what}: {ours}, published {theirs}" for what, ours, theirs in _compared(clips, key) if ours != theirs]


def _compared(clips, key):
    """(what, number in the frame, number published) for all clips, for each part, and for each device in it."""
    published = PUBLISHED[key]
    yield "clips in meta.csv", len(clips), published.clips
    for part, expected in (("train", published.train), ("test", published.test)):
        rows = clips[clips.split == part]
        counts = rows.device.value_counts()
        yield f"{part} clips", len(rows), sum(expected.values())
        for device in sorted({*expected, *counts.index}):
            yield f"{part} clips of device {device}", int(counts.get(device, 0)), expected.get(device, 0)


def check_report(root, clips, audio=True):
    """The output of `asc-tf data check`: (text, list of problems); `audio` also looks for the audio files."""
    key = published_like(clips)
    seen = set(devices_of(clips[clips.split == "train"])) if (clips.split == "train").any() else set()
    unseen = [device for device in devices_of(clips) if device not in seen]
    lists = lists_of(root)
    meta = metadata_of(root)[0] if lists else None  # once for all lists: TAU 2022's takes seconds
    listed = [_listed(root, name, clips, meta, key) for name in lists]
    parts = [
        f"{_title(clips, key)}: {len(clips)} clips in {root}",
        f"train {int((clips.split == 'train').sum()):,} / test {int((clips.split == 'test').sum()):,}",
        f"{clips.location.nunique()} locations in {clips.city.nunique()} cities; "
        f"devices never in training: {', '.join(unseen) or 'none'}",
        *(line for line, _ in listed),
        count_table(clips, "device").to_string(),
        count_table(clips, "scene").to_string(),
    ]
    problems = [problem for _, problem in listed if problem]
    shared = set(clips[clips.split == "train"].location) & set(clips[clips.split == "test"].location)
    if shared:
        problems.append(f"{len(shared)} locations are in the training and in the test part, {min(shared)} for one")
    if audio:
        try:
            check_audio_files(root, clips)
        except AscError as error:
            problems.append(str(error))
    return "\n\n".join(parts), problems


def _listed(root, name, clips, meta, key):
    """(line on a list of training clips, what is wrong with it or "").

    Args:
        root: folder of the data set.
        name: of the list.
        clips, meta: the data set's frame and `Table`.
        key: the published data set, a key of PUBLISHED, or None.
    """
    training = int((clips.split == "train").sum())
    try:
        count = keep_listed(clips.split.tolist(), meta, list_path(root, name)).count("train")
    except AscError as error:
        return f"data.split={name}: cannot be used", str(error)
    line = f"data.split={name}: {count:,} training clips, {100 * count / training:.1f} %"
    published = PUBLISHED_LISTS.get(name)
    if key == "tau2022" and training == sum(PUBLISHED[key].train.values()) and published not in (None, count):
        return line, f"training clips of {name}: {count}, published {published}"
    return line, ""


def _title(clips, key):
    """The published data set that a frame of clips is or is part of, and the clips that it lacks."""
    if key is None:
        return "Data set in the TAU layout"
    compared = {what: (ours, theirs) for what, ours, theirs in _compared(clips, key)}
    if all(ours == theirs for ours, theirs in compared.values()):
        return f"{PUBLISHED[key].name}, complete"
    shares = [
        f"{part} {ours:,} of {theirs:,}" for part in ("train", "test") for ours, theirs in [compared[f"{part} clips"]]
    ]
    return f"{PUBLISHED[key].name}, a part of it ({', '.join(shares)} clips)"
