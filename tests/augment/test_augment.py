import numpy as np
import pytest
import tensorflow as tf

from asc_tf.augment import augment_batch, freq_mixstyle, mixup, random_gain, spec_augment, time_roll

EVERYTHING = {
    "roll_frames": 6,
    "gain_db": 9.0,
    "mixup_alpha": 0.3,
    "frequency_mask_bins": 5,
    "frequency_masks": 1,
    "time_mask_frames": 4,
    "time_masks": 2,
}


@pytest.fixture
def batch():
    features = np.random.default_rng(0).normal(-4, 2, (8, 12, 20, 1)).astype(np.float32)
    return features, np.eye(8, dtype=np.float32)


def int64(*seed):
    return tf.constant(seed, tf.int64)


def louder_or_softer(features, seed):
    return random_gain(features, 9.0, tf.random.fold_in(seed, 4))


def assert_equal_batches(found, expected):
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-6)


def test_all_zeros_is_the_identity(batch):
    assert_equal_batches(augment_batch(*batch, seed=int64(1, 2)), batch)


@pytest.mark.parametrize("left_out", ["roll_frames", "gain_db", "mixup_alpha", "masks"])
def test_it_rolls_then_changes_gains_then_masks_then_mixes_and_leaves_a_method_of_0_out(batch, left_out):
    names = ["frequency_mask_bins", "time_mask_frames"] if left_out == "masks" else [left_out]
    features, labels = batch
    roll, mask, mix = tf.random.split(int64(1, 2), 3)
    if left_out != "roll_frames":
        features = time_roll(features, 6, roll)
    if left_out != "gain_db":
        features = louder_or_softer(features, int64(1, 2))
    if left_out != "masks":
        features = spec_augment(features, 5, 1, 4, 2, mask)
    if left_out != "mixup_alpha":
        features, labels = mixup(features, labels, 0.3, mix)
    assert_equal_batches(
        augment_batch(*batch, int64(1, 2), **{**EVERYTHING, **dict.fromkeys(names, 0)}), (features, labels)
    )


def test_the_order_matters_and_is_roll_mask_mix(batch):
    features, labels = batch
    roll, mask, mix = tf.random.split(int64(1, 2), 3)

    def masked(features):
        return spec_augment(features, 5, 1, 4, 2, mask)

    found = augment_batch(*batch, int64(1, 2), **{**EVERYTHING, "gain_db": 0})
    assert_equal_batches(found, mixup(masked(time_roll(features, 6, roll)), labels, 0.3, mix))
    mask_first = mixup(time_roll(masked(features), 6, roll), labels, 0.3, mix)
    mix_first = masked(mixup(time_roll(features, 6, roll), labels, 0.3, mix)[0])
    assert np.abs(found[0] - mask_first[0]).max() > 0.1
    assert np.abs(found[0] - mix_first).max() > 0.1


def test_gains_change_before_styles_are_mixed(batch):
    features, labels = batch
    style = tf.random.fold_in(int64(1, 2), 3)
    found = augment_batch(*batch, int64(1, 2), gain_db=9.0, mixstyle_alpha=0.3, mixstyle_probability=1.0)
    mixed = freq_mixstyle(louder_or_softer(features, int64(1, 2)), 0.3, 1.0, style)
    assert_equal_batches(found, (mixed, labels))
    gain_last = louder_or_softer(freq_mixstyle(features, 0.3, 1.0, style), int64(1, 2))
    assert np.abs(found[0] - gain_last).max() > 0.1


def test_gain_probability_reaches_the_gain(batch):
    assert_equal_batches(augment_batch(*batch, int64(1, 2), gain_db=9.0, gain_probability=0.0), batch)


def test_only_mixup_changes_labels(batch):
    _, labels = augment_batch(*batch, int64(1, 2), **{**EVERYTHING, "mixup_alpha": 0})
    np.testing.assert_array_equal(labels, batch[1])


def test_the_seed_decides(batch):
    first = augment_batch(*batch, int64(3, 4), **EVERYTHING)
    assert_equal_batches(augment_batch(*batch, int64(3, 4), **EVERYTHING), first)
    for seed in (int64(3, 5), int64(4, 4)):
        assert np.abs(augment_batch(*batch, seed, **EVERYTHING)[0] - first[0]).max() > 0.1


def test_a_data_set_gives_what_eager_calls_give(batch):
    features, labels = (tf.constant(values) for values in batch)
    steps = tf.data.Dataset.range(3)
    data = steps.map(lambda step: augment_batch(features, labels, tf.stack([int64(7)[0], step]), **EVERYTHING))
    assert [spec.shape.as_list() for spec in data.element_spec] == [[8, 12, 20, 1], [8, 8]]
    found = list(data)
    assert len(found) == 3
    for step, pair in enumerate(found):
        assert_equal_batches(pair, augment_batch(*batch, int64(7, step), **EVERYTHING))
