"""TAU Urban Acoustic Scenes Mobile, development sets 2020 and 2022: published counts and check."""

from dataclasses import dataclass

import pandas as pd

from asc_tf.data.clips import check_audio_files, devices_of, scenes_of
from asc_tf.errors import AscError

SCENES = (
    "airport", "bus", "metro", "metro_station", "park",
    "public_square", "shopping_mall", "street_pedestrian", "street_traffic", "tram",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """Counts of a published data set: clips in all, and clips per device of the official training and test part."""

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


def published_like(clips):
    """The key in PUBLISHED that a frame of clips is meant to be, or None for a data set of one's own."""
    if not set(scenes_of(clips)) <= set(SCENES) or not clips.location.str.fullmatch(r"[a-z]+-\d+").all():
        return None
    return "tau2022" if (clips.piece != "").any() else "tau2020"


def count_table(clips, by):
    """Clips per split (columns train, test, in neither) and `by` "device" or "scene", with totals."""
    table = pd.crosstab(clips[by], clips.split).reindex(columns=["train", "test", ""], fill_value=0)
    table.columns = ["train", "test", "neither"]
    table.loc["all"] = table.sum()
    return table


def compare_with_published(clips, key):
    """Differences between a frame of clips and the published counts, one line each; empty where they agree."""
    published = PUBLISHED[key]
    found = {"clips in meta.csv": (len(clips), published.clips)}
    for part, expected in (("train", published.train), ("test", published.test)):
        rows = clips[clips.split == part]
        counts = rows.device.value_counts()
        found[f"{part} clips"] = (len(rows), sum(expected.values()))
        for device in sorted({*expected, *counts.index}):
            found[f"{part} clips of device {device}"] = (int(counts.get(device, 0)), expected.get(device, 0))
    return [f"{what}: {ours}, published {theirs}" for what, (ours, theirs) in found.items() if ours != theirs]


def check_report(root, clips, audio=True):
    """What `asc-tf data check` prints: (text, list of problems); `audio` looks for the audio files as well."""
    key = published_like(clips)
    seen = set(devices_of(clips[clips.split == "train"])) if (clips.split == "train").any() else set()
    unseen = [device for device in devices_of(clips) if device not in seen]
    parts = [
        f"{PUBLISHED[key].name if key else 'Data set in the TAU layout'}: {len(clips)} clips in {root}",
        f"train {int((clips.split == 'train').sum()):,} / test {int((clips.split == 'test').sum()):,}",
        f"{clips.location.nunique()} locations in {clips.city.nunique()} cities; "
        f"devices never in training: {', '.join(unseen) or 'none'}",
        count_table(clips, "device").to_string(),
        count_table(clips, "scene").to_string(),
    ]
    problems = compare_with_published(clips, key) if key else []
    shared = set(clips[clips.split == "train"].location) & set(clips[clips.split == "test"].location)
    if shared:
        problems.append(f"{len(shared)} locations are in the training and in the test part, {min(shared)} for one")
    if audio:
        try:
            check_audio_files(root, clips)
        except AscError as error:
            problems.append(str(error))
    return "\n\n".join(parts), problems
