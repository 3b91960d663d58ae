import numpy as np
import pytest

from asc_tf.augment import spec_augment

AXES = pytest.mark.parametrize("axis", [1, 2], ids=["frequency", "time"])


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(-4, 2, shape).astype(np.float32)


def masked(features, axis, widest, count, seed):
    """`spec_augment` along one axis alone."""
    bins, frames = (widest, 0) if axis == 1 else (0, widest)
    return spec_augment(features, bins, count, frames, count, seed).numpy()


def hidden_places(features, outputs, axis):
    """Boolean [batch, length] along an axis, after checking that a place is hidden for all of a clip or not at all."""
    changed = np.moveaxis(outputs != features, axis, 1).reshape(len(features), features.shape[axis], -1)
    assert (changed.all(axis=2) == changed.any(axis=2)).all()
    return changed.any(axis=2)


def runs(places):
    """[(start, width), ...] of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], places.astype(int), [0]])))
    return [(start, stop - start) for start, stop in edges.reshape(-1, 2)]


def test_hidden_places_hold_the_clips_mean_and_the_others_what_they_held():
    features = noise((16, 20, 30, 2))
    outputs = spec_augment(features, 6, 2, 9, 2, (1, 2)).numpy()
    hidden = outputs != features
    assert 0 < hidden.mean() < 1
    means = np.broadcast_to(features.astype(np.float64).mean(axis=(1, 2, 3), keepdims=True), features.shape)
    np.testing.assert_allclose(outputs[hidden], means[hidden], atol=1e-5)
    np.testing.assert_array_equal(outputs[~hidden], features[~hidden])
    for places in hidden[..., 0]:
        rows, columns = places.all(axis=1), places.all(axis=0)
        np.testing.assert_array_equal(places, rows[:, np.newaxis] | columns)


@AXES
@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_clip_has_more_or_wider_masks_than_asked_for(axis, count):
    features = noise((100, 25, 25, 1))
    hidden = hidden_places(features, masked(features, axis, 5, count, (3, count)), axis)
    number = [len(runs(places)) for places in hidden]
    assert max(number) == count
    for places in hidden:
        assert places.sum() <= 5 * count
        if len(runs(places)) == count:
            assert max(width for _, width in runs(places)) <= 5


@AXES
def test_widths_are_uniform_and_every_place_that_fits_is_reached(axis):
    features = noise((2000, *((20, 2) if axis == 1 else (2, 20)), 1))
    hidden = hidden_places(features, masked(features, axis, 4, 1, (5, 6)), axis)
    widths = hidden.sum(axis=1)
    counts = np.bincount(widths, minlength=5)
    assert len(counts) == 5
    assert (np.abs(counts - 400) < 5 * np.sqrt(2000 * 0.2 * 0.8)).all()
    for width in range(1, 5):
        starts = {runs(places)[0][0] for places in hidden[widths == width]}
        assert starts == set(range(20 - width + 1))


@AXES
def test_a_maximum_beyond_the_length_is_the_length(axis):
    features = noise((700, 6, 6, 1))
    hidden = hidden_places(features, masked(features, axis, 50, 1, (7, 8)), axis)
    counts = np.bincount(hidden.sum(axis=1))
    assert len(counts) == 7
    assert (np.abs(counts - 100) < 5 * np.sqrt(700 / 7 * 6 / 7)).all()


@pytest.mark.parametrize("arguments", [(0, 2, 0, 2), (5, 0, 5, 0)], ids=["no width", "no masks"])
def test_nothing_asked_for_changes_nothing(arguments):
    features = noise((8, 12, 15, 1))
    np.testing.assert_array_equal(spec_augment(features, *arguments, (9, 10)), features)


def test_each_clip_has_masks_of_its_own():
    features = noise((16, 30, 30, 1))
    hidden = hidden_places(features, masked(features, 1, 15, 1, (11, 12)), 1)
    assert len({tuple(places) for places in hidden}) > 8


def test_the_seed_decides():
    features = noise((8, 20, 20, 1))
    first = spec_augment(features, 8, 2, 8, 2, (13, 14)).numpy()
    np.testing.assert_array_equal(spec_augment(features, 8, 2, 8, 2, (13, 14)), first)
    assert (spec_augment(features, 8, 2, 8, 2, (13, 15)).numpy() != first).any()


def test_probability_is_the_share_of_masks_that_are_laid():
    features = noise((1000, 40, 4, 1))
    outputs = spec_augment(features, 19, 1, 0, 1, (11, 12), probability=0.8).numpy()
    laid = hidden_places(features, outputs, 1).any(axis=1)
    assert abs(laid.mean() - 0.8 * 19 / 20) < 0.05
    np.testing.assert_array_equal(spec_augment(features, 19, 1, 2, 1, (11, 12), probability=0.0), features)
