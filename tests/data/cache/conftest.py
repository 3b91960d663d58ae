"""Recordings of twenty clips and their cache."""

import shutil

import pytest
from cache_checks import build, contents

from asc_tf.data.clips import read_clips
from asc_tf.data.shards import shard_of
from asc_tf.data.waveforms import Cut


@pytest.fixture(scope="session")
def clips(synthetic_root):
    """Clips of four shards, five each: shards of few rows would hide much."""
    clips = read_clips(synthetic_root)
    shards = clips.filename.map(shard_of)
    clips = clips[shards.isin(shards.value_counts().index[:4])].reset_index(drop=True)
    assert clips.filename.map(shard_of).value_counts().tolist() == [5, 5, 5, 5]
    return clips


@pytest.fixture(scope="session")
def original(synthetic_root, clips, tmp_path_factory):
    """The recordings of `clips` and their cache."""
    root = tmp_path_factory.mktemp("original")
    (root / "audio").mkdir()
    for name in clips.filename:
        shutil.copy2(synthetic_root / name, root / name)
    build(root, clips)
    return root


@pytest.fixture(scope="session")
def features(original, clips):
    return build(original, clips)


@pytest.fixture
def root(original, tmp_path):
    """Recordings without a cache."""
    return shutil.copytree(original, tmp_path / "data", ignore=shutil.ignore_patterns("features"))


@pytest.fixture
def built(original, tmp_path):
    """Recordings with their cache."""
    return shutil.copytree(original, tmp_path / "data")


@pytest.fixture
def expected(original):
    return contents(original / "features")


@pytest.fixture
def decoded(monkeypatch):
    """Names of the clips that are decoded, in a list that grows."""
    names, load = [], Cut.load

    def note(cut, path):
        names.append(f"audio/{path.name}")
        return load(cut, path)

    monkeypatch.setattr(Cut, "load", note)
    return names
