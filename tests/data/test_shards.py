import errno
import io
import zlib

import numpy as np
import pytest

from asc_tf.data.shards import SHARDS, read_shard, row_type, shard_filenames, shard_of, write_shard
from asc_tf.errors import AscError

SHAPE = (1, 2, 3)
NAMES = ["audio/a.wav", "audio/längst.wav", "b.wav"]
STATES = {name: (1000 + number, 2**60 + number) for number, name in enumerate(NAMES)}
FEATURES = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float16)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "07.npy"
    encoded = [name.encode() for name in NAMES]
    rows = [(name, *STATES[name.decode()], features) for name, features in zip(encoded, FEATURES, strict=True)]
    write_shard(path, rows, len(rows), row_type(encoded, SHAPE))
    return path


def read_rows(path, wanted=STATES.get):
    """({filename: features} of the valid rows, number of damaged ones)."""
    file, offsets, damaged = read_shard(path, SHAPE, wanted)
    content = file.read() if file and not file.seek(0) else b""
    return {name: np.frombuffer(content, "<f2", 6, start).reshape(SHAPE) for name, start in offsets.items()}, damaged


def assert_no_wrong_rows(path):
    """Every row that is taken for valid is what was written."""
    rows, damaged = read_rows(path)
    for name, features in rows.items():
        np.testing.assert_array_equal(features, FEATURES[NAMES.index(name)])
    shard_filenames(path)
    return len(rows), damaged


def test_rows_come_back(path):
    rows, damaged = read_rows(path)
    assert list(rows) == NAMES and damaged == 0
    np.testing.assert_array_equal(np.stack(list(rows.values())), FEATURES)
    np.testing.assert_array_equal(np.load(path)["features"], FEATURES)
    assert shard_filenames(path) == NAMES


def test_every_change_of_a_byte_is_noticed(path):
    original = path.read_bytes()
    for position in range(len(original)):
        for byte in {0, ord("9"), original[position] ^ 1} - {original[position]}:
            path.write_bytes(original[:position] + bytes([byte]) + original[position + 1 :])
            assert assert_no_wrong_rows(path) != (3, 0), f"byte {position} became {byte}"


def test_every_length_of_what_is_left_is_noticed(path):
    original = path.read_bytes()
    for length in range(len(original)):
        path.write_bytes(original[:length])
        valid, damaged = assert_no_wrong_rows(path)
        assert damaged == 1 if valid == damaged == 0 else valid < 3 and damaged >= 1, f"{length} bytes"


def test_outdated_rows_are_neither_valid_nor_damaged(path):
    for outdated in ((1001, 2**60), (1000, 2**60 + 1)):
        rows, damaged = read_rows(path, {**STATES, NAMES[0]: outdated}.get)
        assert list(rows) == NAMES[1:] and damaged == 0


def test_rows_that_are_not_wanted_are_not_read(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    rows, damaged = read_rows(path, {name: STATES[name] for name in NAMES[:2]}.get)
    assert list(rows) == NAMES[:2] and damaged == 0


def test_a_shard_of_another_shape_is_no_shard(path):
    assert read_shard(path, (1, 3, 2), STATES.get)[1:] == ({}, 1)


def test_a_shard_that_is_not_there_has_no_rows(tmp_path):
    assert read_shard(tmp_path / "00.npy", SHAPE, STATES.get) == (None, {}, 0)
    assert shard_filenames(tmp_path / "00.npy") == []


def test_a_shard_without_rows_is_no_file(tmp_path):
    write_shard(tmp_path / "00.npy", iter([]), 3, row_type([b"x"], SHAPE))
    assert list(tmp_path.iterdir()) == []


def test_fewer_rows_than_announced_give_the_bytes_of_so_many(path):
    original = path.read_bytes()
    dtype = row_type([name.encode() for name in NAMES], SHAPE)
    rows = [(name.encode(), *STATES[name], features) for name, features in zip(NAMES, FEATURES, strict=True)]
    write_shard(path, rows, 10**6, dtype)
    assert path.read_bytes() == original


def test_a_row_that_cannot_be_read_from_the_disk_is_an_error_that_names_the_shard(path, monkeypatch):
    class Disk(io.FileIO):
        def read(self, size=-1):
            if self.tell() > 200:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr(type(path), "open", lambda self, mode: Disk(self))
    with pytest.raises(AscError, match=f"^{path}: cannot be read .Input/output error"):
        read_shard(path, SHAPE, STATES.get)


def test_the_shard_of_a_clip_depends_on_its_name_alone_and_shards_fill_evenly():
    assert shard_of("audio/a.wav") == zlib.crc32(b"audio/a.wav") % 64
    counts = np.bincount([shard_of(f"audio/airport-lisbon-{i}-{j}-a.wav") for i in range(80) for j in range(80)])
    assert len(counts) == SHARDS and counts.min() > 60 and counts.max() < 140
