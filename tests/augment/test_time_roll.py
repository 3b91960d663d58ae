import numpy as np
import pytest
import tensorflow as tf

from asc_tf.augment import time_roll


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def shifts_of(features, rolled):
    """By how many frames, -time // 2 ... time // 2, np.roll turns each clip into its output."""
    time = features.shape[2]
    shifts = []
    for clip, output in zip(features, rolled, strict=True):
        matches = [s for s in range(-(time // 2), (time + 1) // 2) if np.array_equal(np.roll(clip, s, axis=1), output)]
        assert len(matches) == 1
        shifts.append(matches[0])
    return shifts


def test_each_clip_is_rolled_by_a_shift_of_its_own_within_the_maximum():
    features = noise((32, 4, 21, 2))
    shifts = shifts_of(features, time_roll(features, 5, (1, 2)).numpy())
    assert max(map(abs, shifts)) <= 5
    assert len(set(shifts)) > 3


def test_every_shift_of_the_range_comes_about_equally_often():
    features = noise((700, 1, 15, 1))
    shifts = shifts_of(features, time_roll(features, 3, (3, 4)).numpy())
    counts = [shifts.count(shift) for shift in range(-3, 4)]
    assert sum(counts) == 700
    assert all(abs(count - 100) < 5 * np.sqrt(700 / 7 * 6 / 7) for count in counts)


def test_the_seed_decides():
    features = noise((8, 3, 20, 1))
    first = time_roll(features, 9, (5, 6))
    np.testing.assert_array_equal(time_roll(features, 9, (5, 6)), first)
    assert (time_roll(features, 9, (5, 7)).numpy() != first.numpy()).any()


@pytest.mark.parametrize("max_frames", [7, 100])
def test_a_maximum_beyond_the_length_wraps_around(max_frames):
    features = noise((40, 1, 7, 1))
    assert set(shifts_of(features, time_roll(features, max_frames, (7, 8)).numpy())) == set(range(-3, 4))


def test_it_works_on_shapes_unknown_to_the_graph():
    features = noise((5, 3, 11, 1))
    graph = tf.function(time_roll, input_signature=[tf.TensorSpec([None] * 4), tf.TensorSpec([], tf.int32),
                                                    tf.TensorSpec([2], tf.int64)])  # fmt: skip
    rolled = graph(features, 4, tf.constant([1, 2], tf.int64))
    np.testing.assert_array_equal(rolled, time_roll(features, 4, tf.constant([1, 2], tf.int64)))


def test_probability_is_the_share_of_clips_that_are_rolled():
    features = noise((1000, 1, 21, 1))
    rolled = [shift != 0 for shift in shifts_of(features, time_roll(features, 10, (7, 8), probability=0.8).numpy())]
    assert abs(np.mean(rolled) - 0.8 * 20 / 21) < 0.05
    np.testing.assert_array_equal(time_roll(features, 10, (7, 8), probability=0.0), features)
