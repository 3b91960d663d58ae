import errno
import os
import shutil
import signal
import threading

import numpy as np
import pandas as pd
import pytest
import soundfile

from asc_tf.data import cache
from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.shards import shard_of
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.frontend.decode import load_waveform
from asc_tf.frontend.log_mel import LogMel

FRONTEND = LogMel(mel_bins=32)


@pytest.fixture(scope="module")
def clips(synthetic_root):
    """Clips of four shards, five each: shards of few rows would hide much."""
    clips = read_clips(synthetic_root)
    shards = clips.filename.map(shard_of)
    clips = clips[shards.isin(shards.value_counts().index[:4])].reset_index(drop=True)
    assert clips.filename.map(shard_of).value_counts().tolist() == [5, 5, 5, 5]
    return clips


@pytest.fixture(scope="module")
def original(synthetic_root, clips, tmp_path_factory):
    """The recordings of `clips` and their cache."""
    root = tmp_path_factory.mktemp("original")
    (root / "audio").mkdir()
    for name in clips.filename:
        shutil.copy2(synthetic_root / name, root / name)
    build(root, clips)
    return root


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


def build(root, clips, directory=None, **arguments):
    return cached_features(root, clips, FRONTEND, 1.0, directory, **arguments)


def contents(directory):
    """{name: bytes} of the one cache in a directory."""
    (folder,) = directory.iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shard_times(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("[0-9]*.npy")}


def fullest_shard(directory):
    return max(directory.rglob("[0-9]*.npy"), key=lambda path: path.stat().st_size)


def audio(root, clips, number):
    return root / clips.filename[number]


def change(path):
    samples, rate = soundfile.read(path, dtype="int32")
    soundfile.write(path, samples[::-1], rate, subtype="PCM_24")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def test_rows_are_the_frontends_output_in_the_frames_order(root, clips):
    features = build(root, clips)
    assert features.shape == (len(clips), 32, 34) and features.dtype == np.float16
    for row, name in zip(features, clips.filename, strict=True):
        expected = FRONTEND(load_waveform(root / name, 16000)[np.newaxis])[0, :, :, 0]
        np.testing.assert_allclose(row, expected, atol=0.009)


def test_float16_rounds_by_0_008_at_the_most(root, clips):
    frontend = LogMel()
    features = np.asarray(cached_features(root, clips, frontend, 1.0), np.float64)
    waveforms = np.stack([load_waveform(root / name, 16000) for name in clips.filename])
    exact = frontend(waveforms)[..., 0].numpy().astype(np.float64)
    assert 8 < np.abs(exact).max() < 17
    assert 0.0035 < np.abs(features - exact).max() <= 0.008


def test_the_second_call_computes_and_writes_nothing(root, clips, decoded):
    first = np.asarray(build(root, clips))
    assert sorted(decoded) == sorted(clips.filename)
    decoded.clear()
    before = {path: path.stat() for path in root.rglob("*") if path.is_file()}
    np.testing.assert_array_equal(build(root, clips), first)
    assert decoded == [] and before == {path: path.stat() for path in root.rglob("*") if path.is_file()}


def test_a_cache_that_grew_has_the_bytes_of_one_made_at_once(root, clips, decoded, tmp_path):
    for part in (clips[4:5], clips[3:12:2], clips[::-3], clips):
        grown = build(root, part, tmp_path / "grown")
    assert sorted(decoded) == sorted(clips.filename)
    whole = build(root, clips, tmp_path / "whole")
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")
    np.testing.assert_array_equal(grown, whole)


def test_the_order_of_the_frame_and_the_number_of_workers_change_no_byte(root, clips, tmp_path):
    features = build(root, clips, tmp_path / "a", workers=1)
    reverse = build(root, clips[::-1], tmp_path / "b", workers=4)
    np.testing.assert_array_equal(reverse, features[::-1])
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_clip_may_be_in_the_frame_twice(root, clips, decoded):
    names = [0, 3, 0, 0]
    features = build(root, clips.iloc[names])
    assert len(decoded) == 2
    np.testing.assert_array_equal(features, build(root, clips)[names])


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


def test_pieces_are_rows_of_their_own(root, clips, tmp_path):
    features = build(root, clips, piece_seconds=0.3)
    assert features.shape == (3 * len(clips), 32, 11)
    for number, name in enumerate(clips.filename):
        waveform = load_waveform(root / name, 16000)
        expected = FRONTEND(waveform[: 3 * 4800].reshape(3, 4800))[..., 0]
        np.testing.assert_allclose(features[3 * number : 3 * number + 3], expected, atol=0.009)
    np.testing.assert_array_equal(build(root, clips[5:7], piece_seconds=0.3), features[15:21])


# Damage


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


# Clips that cannot be used


def another_length(path):
    soundfile.write(path, np.zeros(2 * 44100), 44100)


SPOILERS = {
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "text": (lambda path: path.write_text("no audio"), "cannot be decoded as audio"),
    "missing": (lambda path: path.unlink(), "cannot be read (No such file or directory)"),
    "length": (another_length, "lasts 2.00 s; expected 1.00 s"),
}


@pytest.mark.parametrize("kind", SPOILERS)
def test_a_clip_that_cannot_be_used_is_named_after_all_others_are_done(root, clips, expected, decoded, tmp_path, kind):
    spoil, problem = SPOILERS[kind]
    path = audio(root, clips, 4)
    kept = shutil.copy2(path, tmp_path / "kept.wav")
    spoil(path)
    with pytest.raises(AscError) as error:
        build(root, clips)
    assert str(error.value).startswith(f"{path}: {problem}")
    assert f"; 1 of {len(clips)} clips cannot be used, all of them named in {root / 'features'}" in str(error.value)
    assert len({*decoded} - {clips.filename[4]}) == len(clips) - 1
    shutil.copy2(kept, path)
    decoded.clear()
    build(root, clips)
    assert decoded == [clips.filename[4]]
    assert contents(root / "features") == expected


def test_every_clip_that_cannot_be_used_is_in_a_table_until_it_is_repaired(root, clips, decoded, tmp_path):
    kept = shutil.copytree(root / "audio", tmp_path / "kept")
    numbers = [1, 5, 8, 13]
    for number, (spoil, _) in zip(numbers, SPOILERS.values(), strict=True):
        spoil(audio(root, clips, number))
    with pytest.raises(AscError, match=f"4 of {len(clips)} clips cannot be used"):
        build(root, clips)
    (table,) = root.rglob("unreadable.csv")
    unreadable = pd.read_csv(table)
    assert unreadable.filename.tolist() == sorted(clips.filename[numbers])
    for number, (_, problem) in zip(numbers, SPOILERS.values(), strict=True):
        assert problem in unreadable.set_index("filename").problem[clips.filename[number]]
    decoded.clear()
    for number in numbers[:2]:
        shutil.copy2(kept / audio(root, clips, number).name, audio(root, clips, number))
    with pytest.raises(AscError, match=f"2 of {len(clips)} clips cannot be used"):
        build(root, clips)
    assert pd.read_csv(table).filename.tolist() == sorted(clips.filename[numbers[2:]])
    assert {*decoded} >= {*clips.filename[numbers[:2]]} and {*decoded} <= {*clips.filename[numbers]}
    shutil.copytree(kept, root / "audio", dirs_exist_ok=True)
    build(root, clips)
    assert not table.exists()


def test_clips_that_all_cannot_be_used(root, clips):
    for number in range(3):
        audio(root, clips, number).write_bytes(b"")
    with pytest.raises(AscError, match="3 of 3 clips cannot be used"):
        build(root, clips[:3])
    assert not shard_times(root)


def test_a_computed_recording_that_vanished_is_named(built, clips, decoded):
    audio(built, clips, 6).unlink()
    with pytest.raises(AscError, match=f"{clips.filename[6]}: cannot be read .No such file"):
        build(built, clips)
    assert decoded == []


# Interruptions and disks


def parts(directory):
    return [path for path in directory.rglob("*") if path.name.startswith(".part")]


def test_ctrl_c_leaves_whole_shards_and_no_parts(root, clips, expected, monkeypatch):
    load, calls = Cut.load, []

    def press_ctrl_c(cut, path):
        calls.append(path)
        if len(calls) == 12:
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
        patch.setattr("asc_tf.atomic.os.fsync", fill_up)
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


def test_features_stay_what_they_are_while_the_cache_changes(root, clips):
    few = build(root, clips[2::3])
    before = np.asarray(few)
    change(audio(root, clips, 2))
    build(root, clips)
    np.testing.assert_array_equal(few, before)


# The rows on disk as an array


@pytest.fixture(scope="module")
def features(original, clips):
    return build(original, clips)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int64(3),
        slice(None),
        slice(2, 9, 3),
        slice(None, None, -1),
        slice(4, 4),
        [3, 1, 1],
        np.array([], int),
        np.array([-1, 0], np.int32),
        np.arange(6).reshape(2, 3),
        np.array(5),
        Ellipsis,
    ],
    ids=str,
)
def test_rows_are_indexed_like_an_array(features, index):
    whole = np.stack([features[i] for i in range(len(features))])
    row = features[index]
    assert row.dtype == np.float16
    np.testing.assert_array_equal(row, whole[index])
    assert row.shape == whole[index].shape


def test_rows_are_chosen_by_a_mask(features):
    mask = np.arange(len(features)) % 3 == 1
    np.testing.assert_array_equal(features[mask], np.asarray(features)[mask])


def test_rows_become_an_array(features):
    assert len(features) == features.shape[0] == 20
    assert np.asarray(features).dtype == np.float16 and np.asarray(features).shape == features.shape
    assert np.asarray(features, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(features)), features)


def test_a_row_beyond_the_end_is_an_index_error(features):
    with pytest.raises(IndexError):
        features[len(features)]


def test_a_shard_is_an_npy_file_of_records(features, clips, original):
    path = fullest_shard(original)
    rows = np.load(path, mmap_mode="r")
    names = [name.decode() for name in rows["filename"]]
    assert names == sorted(names) and {*names} <= {*clips.filename}
    numbers = [clips.filename.tolist().index(name) for name in names]
    np.testing.assert_array_equal(rows["features"], np.asarray(features)[numbers, np.newaxis])
    for name, size, time in zip(names, rows["bytes"], rows["mtime_ns"], strict=True):
        assert (size, time) == ((original / name).stat().st_size, (original / name).stat().st_mtime_ns)


def test_a_shard_that_is_cut_short_while_it_is_read_is_named(built, clips):
    features, path = build(built, clips), fullest_shard(built)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(AscError, match=f"{path}: was cut short while it was read; run the same command again"):
        np.asarray(features)
