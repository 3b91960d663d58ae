import numpy as np
import pytest
import tensorflow as tf

from asc_tf.augment import random_gain
from asc_tf.frontend.log_mel import LogMel


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(-4, 2, shape).astype(np.float32)


def gains_db(clips, max_db, seed, probability=1.0):
    """The gain in dB that each of so many clips of one value got."""
    changed = random_gain(tf.zeros((clips, 1, 1, 1)), max_db, seed, probability).numpy()
    return changed[:, 0, 0, 0] * 10 / np.log(10)


def test_all_values_of_a_clip_change_by_one_number_and_each_clip_by_its_own():
    features = noise((16, 5, 7, 2))
    change = (random_gain(features, 6.0, (1, 2)).numpy() - features).reshape(16, -1)
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :1], change.shape), atol=2e-6)
    assert len(set(change[:, 0].round(4))) == 16


def test_gains_are_uniform_between_the_bounds_in_db():
    gains = gains_db(20000, 6.0, (3, 4))
    counts, _ = np.histogram(gains, bins=12, range=(-6, 6))
    assert counts.sum() == 20000
    assert (np.abs(counts - 20000 / 12) < 5 * np.sqrt(20000 / 12)).all()


def test_the_bounds_are_what_the_log_mel_of_a_louder_and_a_softer_waveform_shows():
    log_mel = LogMel(mel_bins=8)
    waveform = np.random.default_rng(0).uniform(-0.4, 0.4, (1, 1920)).astype(np.float32)
    features = log_mel(waveform)
    outputs = random_gain(tf.repeat(features, 20000, axis=0), 6.0, (5, 6))
    np.testing.assert_allclose(tf.reduce_max(outputs, axis=0), log_mel(waveform * 10 ** (6 / 20))[0], atol=1e-3)
    np.testing.assert_allclose(tf.reduce_min(outputs, axis=0), log_mel(waveform * 10 ** (-6 / 20))[0], atol=1e-3)


@pytest.mark.parametrize("probability", [0.3, 0.8])
def test_probability_is_the_share_of_clips_that_change_and_leaves_their_gains_uniform(probability):
    gains = gains_db(4000, 6.0, (7, 8), probability)
    treated = gains[gains != 0]
    assert abs(len(treated) / 4000 - probability) < 0.04
    assert abs(treated.mean()) < 0.4
    assert treated.min() < -5.9 and treated.max() > 5.9


def test_probability_0_and_a_bound_of_0_change_nothing():
    features = noise((8, 3, 4, 1))
    np.testing.assert_array_equal(random_gain(features, 6.0, (9, 10), probability=0.0), features)
    np.testing.assert_array_equal(random_gain(features, 0.0, (9, 10)), features)


def test_the_seed_decides():
    first = gains_db(8, 6.0, (11, 12))
    np.testing.assert_array_equal(gains_db(8, 6.0, (11, 12)), first)
    for seed in ((11, 13), (12, 12)):
        assert (gains_db(8, 6.0, seed) != first).all()


def test_it_works_in_a_data_set_of_batches_of_unknown_size():
    features = noise((7, 3, 4, 1))
    data = tf.data.Dataset.from_tensor_slices(features).batch(4).enumerate()
    data = data.map(lambda step, batch: random_gain(batch, 6.0, tf.stack([step, 14]), probability=0.5))
    assert data.element_spec.shape.as_list() == [None, 3, 4, 1]
    for step, found in enumerate(data):
        seed = tf.constant([step, 14], tf.int64)
        np.testing.assert_allclose(found, random_gain(features[4 * step :][:4], 6.0, seed, probability=0.5), atol=1e-6)
