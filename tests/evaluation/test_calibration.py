import numpy as np
import pytest

from asc_tf.evaluation.calibration import expected_calibration_error, reliability


def test_a_network_that_knows_its_confidence_has_no_error():
    confidence = np.repeat([0.25, 0.75], 400)
    right = np.tile([True, False, False, False], 100).tolist() + np.tile([True, True, True, False], 100).tolist()
    assert expected_calibration_error(reliability(confidence, right, bins=10)) == pytest.approx(0)


def test_the_error_weighs_bins_by_their_clips():
    """30 clips at 90 % that are always wrong, 10 at 60 % that are always right: 0.75 * 0.9 + 0.25 * 0.4."""
    table = reliability([0.9] * 30 + [0.6] * 10, [False] * 30 + [True] * 10, bins=15)
    assert expected_calibration_error(table) == pytest.approx(0.775)
    assert table.clips.sum() == 40 and np.isnan(table.accuracy[0])


@pytest.mark.parametrize(("confidence", "number"), [(0.0, 0), (0.1, 0), (0.3, 2), (0.31, 3), (1.0, 9)])
def test_a_bin_holds_its_upper_edge(confidence, number):
    assert reliability([confidence], [True], bins=10).clips.argmax() == number
