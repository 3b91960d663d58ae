import numpy as np
import tensorflow as tf

from asc_tf.augment import freq_mixstyle

BATCH = 6


def statistics(features):
    return features.mean(axis=(2, 3)), np.sqrt(features.var(axis=(2, 3)) + 1e-5)


def clips():
    """Each clip has its own level and spread in every bin."""
    generator = np.random.default_rng(0)
    level, spread = generator.normal(0, 5, (BATCH, 8, 1, 1)), generator.uniform(0.5, 3, (BATCH, 8, 1, 1))
    return (level + spread * generator.normal(size=(BATCH, 8, 40, 1))).astype(np.float32)


def mixed(features, seed, probability=1.0, alpha=0.3):
    return freq_mixstyle(features, alpha, probability, seed).numpy()


def test_what_is_normalized_by_frequency_stays_as_it_was():
    features = clips()
    outputs = mixed(features, (1, 2))
    for before, after in zip(features, outputs, strict=True):
        mean, deviation = statistics(before[np.newaxis])
        new_mean, new_deviation = statistics(after[np.newaxis])
        expected = (before - mean[0][:, None, None]) / deviation[0][:, None, None]
        np.testing.assert_allclose(
            (after - new_mean[0][:, None, None]) / new_deviation[0][:, None, None], expected, atol=2e-3
        )


def test_statistics_lie_between_those_of_two_clips_at_one_weight():
    features = clips()
    mean, deviation = statistics(features)
    new_mean, new_deviation = statistics(mixed(features, (1, 2)))
    partners, weights = [], []
    for clip in range(BATCH):
        fits = []
        for other in range(BATCH):
            apart = mean[other] - mean[clip]
            share = 0.0 if other == clip else float((new_mean[clip] - mean[clip]) @ apart / (apart @ apart))
            error = np.abs(mean[clip] + share * apart - new_mean[clip]).max()
            error += np.abs(deviation[clip] + share * (deviation[other] - deviation[clip]) - new_deviation[clip]).max()
            fits.append((error, other, share))
        error, other, share = min(fits)
        assert error < 5e-3 and -1e-3 <= share <= 1 + 1e-3
        partners.append(other)
        weights.append(round(share, 3))
    assert len(set(weights)) > 2, "each clip draws a weight of its own"


def test_probability_decides_for_the_whole_batch():
    features = clips()
    treated = [bool(np.abs(mixed(features, (seed, 0), probability=0.4) - features).max() > 1e-3) for seed in range(200)]
    assert 0.28 < np.mean(treated) < 0.52
    np.testing.assert_array_equal(mixed(features, (1, 2), probability=0.0), features)


def test_the_seed_decides_also_in_a_graph():
    features = clips()
    graph = tf.function(lambda seed: freq_mixstyle(features, 0.3, 1.0, seed))
    np.testing.assert_allclose(graph(tf.constant([3, 4])), mixed(features, (3, 4)), atol=1e-5)
    assert np.abs(mixed(features, (3, 5)) - mixed(features, (3, 4))).max() > 1e-3


def test_a_constant_clip_stays_finite():
    assert np.isfinite(mixed(np.zeros((BATCH, 8, 5, 1), np.float32), (1, 2))).all()
