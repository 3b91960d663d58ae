"""The papers' device rows: each was copied right if its mean is the overall accuracy that the paper prints."""

import numpy as np
import pytest

from asc_tf.experiment.published import _ACCURACIES, DEVICES, published_row


@pytest.mark.parametrize("name", _ACCURACIES)
def test_devices_average_to_the_overall_accuracy(name):
    row = published_row(name)["accuracy"]
    assert np.mean([row[device] for device in DEVICES]) == pytest.approx(row["all"], abs=0.11)


def test_a_name_that_is_no_recipe_has_no_numbers():
    assert published_row("mine") == {"accuracy": {}, "log_loss": {}}
