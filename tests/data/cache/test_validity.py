"""Which rows are computed anew when the frontend, the recordings or the data set change."""

import os

import numpy as np
import pytest
from cache_checks import FRONTEND, audio, build, change, contents

from asc_tf.data import cache
from asc_tf.data.cache import cached_features
from asc_tf.data.shards import shard_of
from asc_tf.frontend.log_mel import LogMel


def later_version(monkeypatch):
    monkeypatch.setattr(LogMel, "version", 2)
    return {}


def later_format(monkeypatch):
    monkeypatch.setattr(cache, "FORMAT", 3)
    return {}


class OtherMel(LogMel):
    pass


@pytest.mark.parametrize(
    "other",
    [
        lambda monkeypatch: {"frontend": LogMel(mel_bins=32, hop_ms=31.0)},
        lambda monkeypatch: {"frontend": LogMel(mel_bins=32, floor=1e-6)},
        lambda monkeypatch: {"frontend": OtherMel(mel_bins=32)},
        lambda monkeypatch: {"clip_seconds": 0.95},
        lambda monkeypatch: {"piece_seconds": 0.5},
        later_version,
        later_format,
    ],
    ids=["hop", "floor", "frontend", "length", "pieces", "version of the frontend", "version of the cache"],
)
def test_what_determines_the_features_makes_another_folder(root, clips, decoded, monkeypatch, other):
    arguments = {"frontend": FRONTEND, "clip_seconds": 1.0}
    first = cached_features(root, clips[:2], **arguments).folder
    assert cached_features(root, clips[:2], LogMel(mel_bins=32), 1.0).folder == first and len(decoded) == 2
    second = cached_features(root, clips[:2], **{**arguments, **other(monkeypatch)}).folder
    assert second != first and len(decoded) == 4
    assert sorted((root / "features").iterdir()) == sorted([first, second])


def test_only_a_recording_that_changed_is_computed_anew(root, clips, decoded, tmp_path):
    first = np.asarray(build(root, clips, tmp_path / "old"))
    change(audio(root, clips, 7))
    decoded.clear()
    second = np.asarray(build(root, clips, tmp_path / "old"))
    assert decoded == [clips.filename[7]]
    assert (first != second).any(axis=(1, 2)).nonzero()[0].tolist() == [7]
    build(root, clips, tmp_path / "new")
    assert contents(tmp_path / "old") == contents(tmp_path / "new")


def test_a_recording_with_another_time_of_change_is_computed_anew(root, clips, decoded):
    build(root, clips)
    os.utime(audio(root, clips, 2), ns=(0, 12345))
    decoded.clear()
    build(root, clips)
    assert decoded == [clips.filename[2]]


def test_clips_that_leave_the_data_set_and_come_to_it(root, clips, decoded, tmp_path):
    fewer = clips.drop(index=[2, 3, 9])
    build(root, fewer, tmp_path / "features")
    decoded.clear()
    more = build(root, clips, tmp_path / "features")
    assert sorted(decoded) == sorted(clips.filename[[2, 3, 9]])
    decoded.clear()
    np.testing.assert_array_equal(build(root, fewer, tmp_path / "features"), more[fewer.index])
    assert decoded == []


def test_rows_of_recordings_that_were_deleted_go_when_their_shard_is_written(root, clips, tmp_path):
    build(root, clips, tmp_path / "old")
    gone = clips.filename[4]
    (root / gone).unlink()
    others = clips.drop(index=4)
    same_shard = others.filename[others.filename.map(shard_of) == shard_of(gone)]
    change(root / same_shard.iloc[0])
    build(root, others, tmp_path / "old")
    build(root, others, tmp_path / "new")
    assert contents(tmp_path / "old") == contents(tmp_path / "new")


def test_features_stay_what_they_are_while_the_cache_changes(root, clips):
    few = build(root, clips[2::3])
    before = np.asarray(few)
    change(audio(root, clips, 2))
    build(root, clips)
    np.testing.assert_array_equal(few, before)
