import numpy as np
import pytest
import tensorflow as tf

from asc_tf.augment import augment_batch, dynamic_range_compression
from asc_tf.frontend.log_mel import LogMel


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(-4, 2, shape).astype(np.float32)


def levels(features):
    return tf.reduce_logsumexp(features, axis=1).numpy()[..., 0]


def test_a_clip_becomes_what_a_compressor_makes_of_its_waveform():
    log_mel = LogMel(mel_bins=16, window_ms=20.0, hop_ms=10.0)
    quiet = np.random.default_rng(0).normal(0, 0.01, 32000)
    loud = np.where(np.arange(32000) < 16000, 1.0, 10.0)  # 20 dB
    features = log_mel((quiet * loud).astype(np.float32)[None])
    changed = dynamic_range_compression(features, 8.0, (3, 4))
    reduction = (features - changed).numpy()[0, :, 110:190, 0]  # frames that are all loud
    assert reduction.max() > 0.5
    # A compressor at work takes one gain from the loud half, within its noise; so does the waveform below.
    gain = np.exp(-reduction.mean() / 2)
    again = log_mel((quiet * np.where(loud > 1, loud * gain, 1.0)).astype(np.float32)[None]).numpy()
    # 1 - 1/r of how far noise of 16 bins strays from its mean level
    np.testing.assert_allclose(changed[0, :, 110:190, 0], again[0, :, 110:190, 0], atol=0.8)
    assert abs(float(np.mean(changed[0, :, 110:190, 0] - again[0, :, 110:190, 0]))) < 0.01
    np.testing.assert_allclose(changed[0, :, 5:90, 0], features[0, :, 5:90, 0], atol=0.8)


def test_levels_below_the_threshold_stay_and_those_above_rise_by_the_ratios_share():
    features = tf.repeat(noise((1, 6, 40, 1)), 500, axis=0)
    before, after = levels(features)[0], levels(dynamic_range_compression(features, 5.0, (1, 2)))
    order = np.argsort(before)
    slopes = np.diff(after[:, order], axis=1) / np.diff(before[order])
    # one slope of 1 below the threshold, one of 1 / r above, and one step between that has some of both
    assert (slopes > 1 / 5 - 1e-2).all() and (slopes < 1 + 1e-2).all()
    above = slopes[:, -1]
    assert above.min() < 0.25 and above.max() > 0.9
    for clip, slope in zip(slopes, above, strict=True):
        between = (np.abs(clip - 1) > 1e-2) & (np.abs(clip - slope) > 1e-2)
        assert between.sum() <= 1
        assert (np.diff(np.abs(clip - 1) > 1e-2).astype(int) != 0).sum() <= 2


def test_ratios_and_thresholds_are_uniform():
    # Two frames: the louder one is reduced by (1 - 1/r)(1 - u) of the distance between them.
    features = tf.concat([tf.fill((20000, 4, 1, 1), -8.0), tf.fill((20000, 4, 1, 1), 2.0)], axis=2)
    reduction = (features - dynamic_range_compression(features, 4.0, (5, 6))).numpy()[:, 0, 1, 0] / 10
    expected = (1 - np.log(4) / 3) / 2  # mean of 1 - 1/r, and of 1 - u
    assert abs(reduction.mean() - expected) < 0.005
    assert reduction.max() < 0.75 and reduction.max() > 0.7


def test_all_bins_of_a_frame_change_by_one_number():
    features = noise((16, 5, 7, 1))
    change = dynamic_range_compression(features, 5.0, (1, 2)).numpy() - features
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :1], change.shape), atol=2e-6)
    assert len({*change.min(axis=(1, 2, 3)).round(4)}) == 16


@pytest.mark.parametrize("probability", [0.3, 0.8])
def test_probability_is_the_share_of_clips_that_change(probability):
    features = noise((4000, 3, 5, 1))
    changed = dynamic_range_compression(features, 5.0, (7, 8), probability).numpy()
    assert abs((changed != features).any(axis=(1, 2, 3)).mean() - probability) < 0.04


def test_probability_0_a_ratio_of_1_and_clips_of_one_level_stay_as_they_are():
    features = noise((8, 3, 4, 1))
    np.testing.assert_array_equal(dynamic_range_compression(features, 5.0, (9, 10), probability=0.0), features)
    np.testing.assert_array_equal(dynamic_range_compression(features, 1.0, (9, 10)), features)
    silence = np.full((8, 3, 4, 1), np.log(1e-7), np.float32)
    np.testing.assert_allclose(dynamic_range_compression(silence, 5.0, (9, 10)), silence, atol=1e-5)


def test_the_seed_decides():
    features = noise((8, 3, 40, 1))
    first = dynamic_range_compression(features, 5.0, (11, 12)).numpy()
    np.testing.assert_array_equal(dynamic_range_compression(features, 5.0, (11, 12)), first)
    for seed in ((11, 13), (12, 12)):
        assert (np.abs(dynamic_range_compression(features, 5.0, seed) - first).max(axis=(1, 2, 3)) > 0).all()


def test_a_policy_compresses_before_it_changes_gains_and_passes_the_probability():
    features, labels = noise((8, 12, 20, 1)), np.eye(8, dtype=np.float32)
    seed = tf.constant((1, 2), tf.int64)
    found, _ = augment_batch(features, labels, seed, drc_ratio=5.0, drc_probability=1.0, gain_db=6.0)
    compressed = dynamic_range_compression(features, 5.0, tf.random.fold_in(seed, 5))
    np.testing.assert_allclose(found, augment_batch(compressed, labels, seed, gain_db=6.0)[0], atol=1e-6)
    assert np.abs(found - augment_batch(features, labels, seed, gain_db=6.0)[0]).max() > 0.1
    np.testing.assert_array_equal(
        augment_batch(features, labels, seed, drc_ratio=5.0, drc_probability=0.0)[0], features
    )


def test_it_works_in_a_data_set_of_batches_of_unknown_size():
    features = noise((7, 3, 4, 1))
    data = tf.data.Dataset.from_tensor_slices(features).batch(4).enumerate()
    data = data.map(lambda step, batch: dynamic_range_compression(batch, 5.0, tf.stack([step, 14]), 0.5))
    assert data.element_spec.shape.as_list() == [None, 3, 4, 1]
    for step, found in enumerate(data):
        seed = tf.constant([step, 14], tf.int64)
        expected = dynamic_range_compression(features[4 * step :][:4], 5.0, seed, 0.5)
        np.testing.assert_allclose(found, expected, atol=1e-6)
