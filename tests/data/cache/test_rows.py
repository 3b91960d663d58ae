"""What the rows of a cache hold, whoever computed them and in whatever order."""

import numpy as np
from cache_checks import FRONTEND, build, contents, fullest_shard

from asc_tf.audio.waveform import load_waveform
from asc_tf.data.cache import cached_features
from asc_tf.frontend.log_mel import LogMel


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


def test_pieces_are_rows_of_their_own(root, clips, tmp_path):
    features = build(root, clips, piece_seconds=0.3)
    assert features.shape == (3 * len(clips), 32, 11)
    for number, name in enumerate(clips.filename):
        waveform = load_waveform(root / name, 16000)
        expected = FRONTEND(waveform[: 3 * 4800].reshape(3, 4800))[..., 0]
        np.testing.assert_allclose(features[3 * number : 3 * number + 3], expected, atol=0.009)
    np.testing.assert_array_equal(build(root, clips[5:7], piece_seconds=0.3), features[15:21])


def test_a_shard_is_an_npy_file_of_records(features, clips, original):
    path = fullest_shard(original)
    rows = np.load(path, mmap_mode="r")
    names = [name.decode() for name in rows["filename"]]
    assert names == sorted(names) and {*names} <= {*clips.filename}
    numbers = [clips.filename.tolist().index(name) for name in names]
    np.testing.assert_array_equal(rows["features"], np.asarray(features)[numbers, np.newaxis])
    for name, size, time in zip(names, rows["bytes"], rows["mtime_ns"], strict=True):
        assert (size, time) == ((original / name).stat().st_size, (original / name).stat().st_mtime_ns)
