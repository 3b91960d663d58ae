"""Ctrl-C, full disks and other processes while a cache is written."""

import errno
import itertools
import os
import signal
import threading

import numpy as np
import pytest
from cache_checks import build, contents, shard_times

from asc_tf.data import cache
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError


def parts(directory):
    return [path for path in directory.rglob("*") if path.name.startswith(".part")]


def test_ctrl_c_leaves_whole_shards_and_no_parts(root, clips, expected, monkeypatch):
    load, numbers, calls = Cut.load, itertools.count(1), []

    def press_ctrl_c(cut, path):
        calls.append(path)
        if next(numbers) == 12:  # in one of two threads: a second signal would reach the next test
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return load(cut, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Cut, "load", press_ctrl_c)
        build(root, clips, workers=2)
    assert len(calls) < len(clips), "it went on"
    assert 0 < len(shard_times(root)) < 4 and not parts(root)
    build(root, clips)
    assert contents(root / "features") == expected


def test_a_disk_that_fills_up_keeps_the_shards_that_are_done(root, clips, expected, decoded, monkeypatch):
    fsync, shards = os.fsync, []

    def fill_up(file):
        if os.readlink(f"/proc/self/fd/{file}").endswith(".npy"):
            shards.append(file)
            if len(shards) == 3:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    with monkeypatch.context() as patch, pytest.raises(AscError, match="npy: cannot be written .No space left"):
        patch.setattr("asc_tf.atomic.files.os.fsync", fill_up)
        build(root, clips, workers=1)
    done = shard_times(root)
    assert len(done) == 2 and not parts(root)
    decoded.clear()
    build(root, clips)
    assert len(decoded) == 10 and done.items() <= shard_times(root).items()
    assert contents(root / "features") == expected


def test_a_place_that_cannot_be_written_is_named(root, clips, decoded, tmp_path):
    place = tmp_path / "n" / ("n" * 300)
    with pytest.raises(AscError, match=f"^{place}.*: cannot be written .File name too long"):
        build(root, clips, place)
    assert decoded == []


def test_a_shard_that_another_process_replaces_meanwhile_gives_no_wrong_rows(root, clips, tmp_path, monkeypatch):
    """Rows are read from the very files that were verified, though others may take their place at any moment."""
    few, rows = clips[2::3], cache._Cache.rows
    expected = build(root, clips, tmp_path / "other")[few.index]
    build(root, few)

    def replaced(self, *arguments):
        monkeypatch.undo()
        build(root, clips)
        return rows(self, *arguments)

    monkeypatch.setattr(cache._Cache, "rows", replaced)
    np.testing.assert_array_equal(build(root, few), expected)
