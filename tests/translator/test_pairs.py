import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf

from asc_tf.data.clips import read_clips
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.frontend.log_mel import LogMel
from asc_tf.translator.pair_features import (
    align_pairs,
    lag_between,
    mean_differences,
    random_crop,
    write_pair_features,
)
from asc_tf.translator.pairs import find_pairs, hold_out_pairs, pairs_table

RATE = 16000
CUT = Cut(RATE, 2.0)


def frame(*names):
    """Clips named scene-location-segment-device."""
    rows = [(name, *name.split("-")) for name in names]
    return pd.DataFrame(rows, columns=["filename", "scene", "location", "segment", "device"]).assign(piece="")


def test_pairs_share_scene_location_and_segment():
    clips = frame("park-1-7-a", "park-1-7-b", "park-1-8-a", "park-2-7-b", "bus-1-7-a", "bus-1-7-c", "park-1-8-b")
    pairs = find_pairs(clips, "a", ("b",))
    assert pairs[["source", "target"]].to_numpy().tolist() == [
        ["park-1-7-a", "park-1-7-b"],
        ["park-1-8-a", "park-1-8-b"],
    ]
    assert list(find_pairs(clips, "a", ("c", "b")).device) == ["c", "b", "b"]
    assert list(find_pairs(clips, "b", ("a",)).source) == ["park-1-7-b", "park-1-8-b"]


def test_pieces_of_one_recording_pair_piece_by_piece():
    clips = frame("park-1-7-a", "park-1-7-b").assign(piece="3")
    clips.loc[1, "piece"] = "4"
    with pytest.raises(AscError, match="device 'b' heard no training segment that device 'a' heard too"):
        find_pairs(clips, "a", ("b",))


@pytest.mark.parametrize(
    ("source", "targets", "message"),
    [
        ("z", ("b",), "device 'z' has no clips in the training part; expected one of a, b"),
        ("a", ("b", "s4"), "device 's4' has no clips"),
        ("a", ("b", "a"), "from a to b, a: expected different devices"),
        ("a", ("b", "b"), "expected different devices, each once"),
    ],
)
def test_devices_that_cannot_be_paired(source, targets, message):
    with pytest.raises(AscError, match=message):
        find_pairs(frame("park-1-7-a", "park-1-7-b"), source, targets)


def test_the_embedded_data_set_has_pairs_in_its_training_part(synthetic_root):
    clips = read_clips(synthetic_root)
    clips = clips[clips.split == "train"]
    pairs = find_pairs(clips, "a", ("b", "s1"))
    expected = {name.replace("-b.wav", "-a.wav") for name in clips.filename[clips.device == "b"]}
    assert set(pairs.source[pairs.device == "b"]) == expected & set(clips.filename) != set()


@pytest.mark.parametrize("lag", [-13, 0, 40])
def test_a_known_lag_is_recovered_through_another_frequency_response(lag):
    generator = np.random.default_rng(0)
    whole = generator.normal(0, 1, (8, 300)).cumsum(axis=1) * 0.2 + generator.normal(0, 1, (8, 300))
    x, y = whole[:, 50:250], whole[:, 50 - lag : 250 - lag] + generator.normal(0, 5, (8, 1))
    found, correlation = lag_between(x, y, 60)
    assert found == lag and correlation > 0.9


def test_correlation_is_that_of_the_overlap_by_the_formula():
    x, y = np.random.default_rng(1).normal(3, 1, (2, 4, 30))
    lag, correlation = lag_between(x, y, 9)
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    by_lag = {}
    for late in range(-9, 10):
        one, other = x[:, max(-late, 0) : 30 - max(late, 0)], y[:, max(late, 0) : 30 - max(-late, 0)]
        by_lag[late] = np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2))
    assert lag == max(by_lag, key=by_lag.get) and correlation == pytest.approx(by_lag[lag])


def test_silence_has_no_lag():
    assert lag_between(np.zeros((4, 20)), np.ones((4, 20)), 5) == (0, 0.0)


@pytest.fixture
def recordings(tmp_path):
    """(root, pairs): device b hears 75 ms later and 6 dB quieter, once; the other time something else."""
    generator = np.random.default_rng(2)
    envelope = np.repeat(generator.uniform(0.05, 1, 60), RATE // 20)
    sound = 0.1 * generator.normal(0, 1, len(envelope)) * envelope
    late = round(0.075 * RATE)
    clips = {
        "x-1-a": sound[late : late + 2 * RATE],
        "x-1-b": 0.5 * sound[: 2 * RATE],
        "x-2-a": sound[RATE // 2 : RATE // 2 + 2 * RATE],
        "x-2-b": 0.1 * generator.normal(0, 1, 2 * RATE),
    }
    for name, waveform in clips.items():
        soundfile.write(tmp_path / name, waveform, RATE, format="WAV", subtype="PCM_24")
    pairs = pd.DataFrame(
        {
            "scene": "x",
            "location": ["1", "2"],
            "device": "b",
            "source": ["x-1-a", "x-2-a"],
            "target": ["x-1-b", "x-2-b"],
        }
    )
    return tmp_path, pairs


def test_late_clips_are_aligned_and_weak_pairs_dropped(recordings):
    root, pairs = recordings
    aligned = align_pairs(root, pairs, CUT, min_correlation=0.5)
    assert aligned.lag_ms[0] == 75 and aligned.kept.tolist() == [True, False]
    assert aligned.correlation[0] > 0.95 and aligned.correlation[1] < 0.5
    row = pairs_table(aligned).loc["b"]
    assert (row["pairs"], row["kept"], row["dropped"], row["median lag ms"]) == (2, 1, 1, 75)


def test_a_lag_beyond_the_largest_one_is_not_found(recordings):
    root, pairs = recordings
    assert abs(align_pairs(root, pairs, CUT, max_lag_seconds=0.05, min_correlation=-1).lag_ms[0]) <= 50


def test_a_device_without_any_good_pair_is_an_error(recordings):
    root, pairs = recordings
    with pytest.raises(AscError, match="device 'b': none of its 1 pairs correlates by 0.5 or more"):
        align_pairs(root, pairs.iloc[1:].reset_index(drop=True), CUT, min_correlation=0.5)


def test_features_of_aligned_pairs_are_those_of_the_shared_stretch(recordings, tmp_path):
    root, pairs = recordings
    aligned = align_pairs(root, pairs, CUT)
    frontend = LogMel(mel_bins=32)
    write_pair_features(tmp_path / "pairs.npy", root, aligned[aligned.kept], frontend, CUT)
    features = np.load(tmp_path / "pairs.npy")
    assert features.shape == (1, 2, 32, 1 + round(1.925 * RATE) // 480) and features.dtype == np.float16
    source, target = features[0, :, :, 3:-3].astype(np.float32)
    np.testing.assert_allclose(target - source, np.log(0.25), atol=0.05)


def test_held_out_pairs_are_whole_locations_of_every_device():
    pairs = pd.DataFrame({"location": [*"ABCDEABCDE", *"FGHIJ"], "device": ["b"] * 10 + ["c"] * 5})
    held_out = hold_out_pairs(pairs, 0.2)
    assert set(pairs.device[held_out]) == {"b", "c"} and held_out.sum() == 3
    assert not set(pairs.location[held_out]) & set(pairs.location[~held_out])
    assert (hold_out_pairs(pairs, 0.2, seed=1) != held_out).any()


def test_what_is_held_out_of_a_device_does_not_depend_on_the_others():
    pairs = pd.DataFrame({"location": [*"ABCDEFGHIJ"] * 2, "device": ["b"] * 10 + ["c"] * 10})
    alone = hold_out_pairs(pairs[pairs.device == "b"], 0.3)
    together = hold_out_pairs(pairs.assign(location=[*"ABCDEFGHIJ", *"ABCDKLMNOP"]), 0.3)[:10]
    assert alone.sum() == 3 and (together >= alone).all()


def test_a_device_must_keep_a_location_to_train_on():
    pairs = pd.DataFrame({"location": [*"AB", *"AX", *"BX"], "device": [*"bbccdd"]})
    with pytest.raises(AscError, match="has no locations left to train on: all 2 are held out"):
        for seed in range(20):
            hold_out_pairs(pairs, 0.5, seed)


def test_pairs_of_one_location_cannot_be_held_out():
    pairs = pd.DataFrame({"location": ["A", "A", "B", "C"], "device": ["b", "b", "c", "c"]})
    with pytest.raises(AscError, match=r"device 'b' has pairs of only one location \(A\)"):
        hold_out_pairs(pairs, 0.2)


def test_mean_differences_are_those_of_the_rows_of_each_device():
    features = np.random.default_rng(3).normal(0, 1, (5, 2, 4, 6))
    found = mean_differences(features, np.array([0, 1, 1, 0, 0]), np.array([0, 1, 2, 3]), 2)
    difference = (features[:, 1] - features[:, 0]).mean(axis=2)
    np.testing.assert_allclose(found, [(difference[0] + difference[3]) / 2, (difference[1] + difference[2]) / 2])


def test_crops_are_at_the_same_place_of_both_clips_and_repeat_with_their_seed():
    pairs = tf.constant(np.arange(3 * 2 * 4 * 50, dtype=np.float32).reshape(3, 2, 4, 50, 1))
    crops, targets = random_crop(pairs, tf.eye(3), [1, 2], frames=8)
    again, _ = random_crop(pairs, tf.eye(3), [1, 2], frames=8)
    np.testing.assert_array_equal(crops, again)
    assert crops.shape == (3, 2, 4, 8, 1) and (targets.numpy() == np.eye(3)).all()
    starts = crops.numpy()[:, 0, 0, 0, 0] - 400 * np.arange(3)
    assert len(set(starts)) > 1
    for clip, start in enumerate(starts.astype(int)):
        np.testing.assert_array_equal(crops[clip], pairs[clip, :, :, start : start + 8])
