"""Damaged shards: reported, computed anew, and byte for byte what they were."""

import os

import numpy as np
import pytest
from cache_checks import build, contents, fullest_shard

from asc_tf.data.shards import shard_of
from asc_tf.errors import AscError


def layout(path):
    """(length of the header, of a row, of a row's head) in bytes."""
    rows = np.load(path)
    size = rows.dtype.itemsize
    return path.stat().st_size - len(rows) * size, size, rows.dtype.fields["features"][1]


def overwrite(path, position, byte=None):
    """Put another byte in a place of a file: the given one, or that which is there with half its bits changed."""
    content = bytearray(path.read_bytes())
    content[position] = content[position] ^ 0x55 if byte is None else byte
    path.write_bytes(content)


def repaired(root, clips, path):
    """Reported numbers of damaged rows of a shard in a cache that is read again."""
    lines = []
    build(root, clips, report=lines.append)
    return [int(line.removeprefix(f"{path}: ").split(" damaged row")[0]) for line in lines]


@pytest.mark.parametrize("row", [0, 1, 4])
@pytest.mark.parametrize("place", [0, 4, 12, -1, -1000], ids=["checksum", "size", "time", "end", "middle"])
def test_a_damaged_row_is_reported_and_computed_anew(built, clips, expected, decoded, place, row):
    path = fullest_shard(built)
    header, size, _ = layout(path)
    overwrite(path, header + row * size + place % size)
    lines = []
    build(built, clips, report=lines.append)
    assert lines == [f"{path}: 1 damaged row, computed anew"]
    assert decoded == [np.load(path)["filename"][row].decode()]
    assert contents(built / "features") == expected


def test_several_damaged_rows_are_counted(built, clips, expected, decoded):
    path = fullest_shard(built)
    header, size, _ = layout(path)
    for row in (0, 1, 3):
        overwrite(path, header + row * size + size - 7)
    lines = []
    build(built, clips, report=lines.append)
    assert lines == [f"{path}: 3 damaged rows, computed anew"] and len(decoded) == 3
    assert contents(built / "features") == expected


@pytest.mark.parametrize("byte", [0, ord("/"), 0xFF, ord("x")])
def test_a_row_whose_name_is_damaged_is_computed_anew(built, clips, expected, decoded, byte):
    path = fullest_shard(built)
    header, size, _ = layout(path)
    overwrite(path, header + size + np.load(path).dtype.fields["filename"][1] + 3, byte)
    build(built, clips)
    assert len(decoded) == 1 and contents(built / "features") == expected


@pytest.mark.parametrize("position", [0, 6, 8, 12, 25, 60, -1], ids=str)
def test_a_damaged_header_costs_its_shard(built, clips, expected, decoded, position):
    path = fullest_shard(built)
    overwrite(path, position % layout(path)[0])
    assert repaired(built, clips, path) == [1]
    assert len(decoded) == 5 and {shard_of(name) for name in decoded} == {int(path.stem)}
    assert contents(built / "features") == expected


@pytest.mark.parametrize(
    ("keep", "damaged", "lost"),
    [
        (lambda header, size, head: 0, 1, 5),
        (lambda header, size, head: 4, 1, 5),
        (lambda header, size, head: header // 2, 1, 5),
        (lambda header, size, head: header, 5, 5),
        (lambda header, size, head: header + 7, 5, 5),
        (lambda header, size, head: header + head, 5, 5),
        (lambda header, size, head: header + 2 * size, 3, 3),
        (lambda header, size, head: header + 3 * size - 1, 3, 3),
        (lambda header, size, head: header + 5 * size - 1, 1, 1),
    ],
    ids=["empty", "magic", "header", "no row", "head", "no features", "two rows", "third row", "last byte"],
)
def test_a_shard_that_was_cut_short_is_completed(built, clips, expected, decoded, keep, damaged, lost):
    path = fullest_shard(built)
    os.truncate(path, keep(*layout(path)))
    assert repaired(built, clips, path) == [damaged]
    assert len(decoded) == lost
    assert contents(built / "features") == expected


@pytest.mark.parametrize("content", [b"no array at all", bytes(100_000), None], ids=["text", "zeros", "array"])
def test_a_file_of_other_content_in_place_of_a_shard_is_replaced(built, clips, expected, decoded, content):
    path = fullest_shard(built)
    np.save(path, np.zeros((5, 32, 34), np.float16)) if content is None else path.write_bytes(content)
    assert repaired(built, clips, path) == [1]
    assert len(decoded) == 5 and contents(built / "features") == expected


def test_a_folder_in_place_of_a_shard_is_named(built, clips):
    path = fullest_shard(built)
    path.unlink()
    path.mkdir()
    with pytest.raises(AscError, match=f"^{path}: cannot be read .Is a directory"):
        build(built, clips)


def test_a_shard_that_vanished_is_computed_anew(built, clips, expected, decoded):
    path = fullest_shard(built)
    path.unlink()
    assert repaired(built, clips, path) == []
    assert len(decoded) == 5 and contents(built / "features") == expected


def test_damage_of_a_clip_that_is_not_asked_for_costs_nothing(built, clips, decoded):
    path = fullest_shard(built)
    overwrite(path, -1)
    others = clips[clips.filename != np.load(path)["filename"][-1].decode()]
    assert repaired(built, others, path) == [] and decoded == []


def test_a_shard_that_is_cut_short_while_it_is_read_is_named(built, clips):
    features, path = build(built, clips), fullest_shard(built)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(AscError, match=f"{path}: became shorter while it was read; run the same command again"):
        np.asarray(features)
