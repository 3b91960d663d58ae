"""The rows on disk as an array."""

import numpy as np
import pytest


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
