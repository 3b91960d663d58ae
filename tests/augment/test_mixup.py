import numpy as np
import pytest
import tensorflow as tf

from asc_tf.augment import mixup


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights_and_partners(mixed_labels):
    """Of a batch whose clip i had the one-hot label i: w and j of every clip, j = i where it met itself."""
    own = np.diag(mixed_labels)
    others = mixed_labels - np.diag(own)
    alone = others.sum(axis=1) == 0
    return own, np.where(alone, np.arange(len(own)), others.argmax(axis=1))


def test_features_and_labels_are_blended_with_the_same_clip_at_the_same_weight():
    features, labels = noise((16, 5, 7, 2)), np.eye(16, dtype=np.float32)
    mixed, mixed_labels = (values.numpy() for values in mixup(features, labels, 0.3, (1, 2)))
    weight, partner = weights_and_partners(mixed_labels)
    assert sorted(partner) == list(range(16)) and (partner != np.arange(16)).any()
    assert np.ptp(weight[partner != np.arange(16)]) == 0, "one weight serves the batch"
    for clip in range(16):
        expected = weight[clip] * features[clip] + (1 - weight[clip]) * features[partner[clip]]
        np.testing.assert_allclose(mixed[clip], expected, atol=1e-5)


def test_labels_stay_a_distribution():
    labels = np.eye(10, dtype=np.float32)[np.arange(64) % 10]
    _, mixed_labels = mixup(noise((64, 2, 3, 1)), labels, 0.3, (3, 4))
    assert mixed_labels.numpy().min() >= 0
    np.testing.assert_allclose(mixed_labels.numpy().sum(axis=1), 1, atol=1e-6)
    assert ((mixed_labels.numpy() > 0).sum(axis=1) == 2).any()


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_weights_have_the_mean_and_the_variance_of_a_symmetric_beta_distribution(alpha):
    features, labels = tf.zeros((4, 1, 1, 1)), tf.eye(4)
    draw = tf.function(
        lambda steps: tf.map_fn(
            lambda step: mixup(features, labels, alpha, tf.stack([step, 0]))[1], steps, fn_output_signature=tf.float32
        )
    )
    weights = []
    for mixed_labels in draw(tf.range(4000)).numpy():
        weight, partner = weights_and_partners(mixed_labels)
        weights.extend(weight[partner != np.arange(4)][:1])
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(np.mean(weights) - 0.5) < 4 * np.sqrt(variance / len(weights))
    assert np.var(weights) == pytest.approx(variance, rel=0.05)


def test_a_tiny_alpha_gives_no_nan():
    labels = np.eye(4, dtype=np.float32)
    for step in range(50):
        mixed, mixed_labels = mixup(noise((4, 1, 1, 1)), labels, 1e-3, (step, 6))
        assert np.isfinite(mixed).all()
        np.testing.assert_allclose(mixed_labels.numpy().sum(axis=1), 1, atol=1e-6)


def test_a_batch_of_one_clip_is_left_as_it_is():
    features, labels = noise((1, 4, 5, 1)), np.eye(10, dtype=np.float32)[:1]
    mixed, mixed_labels = mixup(features, labels, 0.3, (7, 8))
    np.testing.assert_allclose(mixed, features, rtol=1e-6)
    np.testing.assert_allclose(mixed_labels, labels, rtol=1e-6)


def test_the_seed_decides():
    features, labels = noise((8, 2, 3, 1)), np.eye(8, dtype=np.float32)
    first = mixup(features, labels, 0.3, (9, 10))
    for values, again in zip(first, mixup(features, labels, 0.3, (9, 10)), strict=True):
        np.testing.assert_array_equal(values, again)
    assert (mixup(features, labels, 0.3, (9, 11))[1].numpy() != first[1].numpy()).any()
