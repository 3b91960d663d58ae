import numpy as np
import pytest

from asc_tf.translator.distance import distance_table, log_mel_distance_db


def test_a_level_difference_of_6_db_is_6_db_away():
    x = np.random.default_rng(0).normal(0, 1, (3, 4, 5))
    np.testing.assert_allclose(log_mel_distance_db(x, x + np.log(10) * 0.6), 6)


def test_distance_is_the_root_mean_square_in_db():
    x, y = np.random.default_rng(1).normal(0, 1, (2, 3, 4, 5)).astype(np.float16)
    expected = [
        np.sqrt(np.mean((4.342945 * (one.astype(float) - other)) ** 2)) for one, other in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(log_mel_distance_db(x, y), expected, rtol=1e-6)


def test_the_table_has_means_by_device_and_over_all_clips():
    distances = {"untranslated": [4.0, 8.0, 6.0], "filtered": [2.0, 2.0, 3.0], "translated": [1.0, 3.0, 1.5]}
    table = distance_table(["b", "b", "c"], distances)
    assert table.loc["b"].tolist() == [2, 6.0, 2.0, 2.0, pytest.approx(1 / 3)]
    assert table.loc["all"].tolist() == [3, 6.0, pytest.approx(7 / 3), pytest.approx(5.5 / 3), pytest.approx(5.5 / 18)]
