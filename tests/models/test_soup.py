import numpy as np
import pytest

from asc_tf.models import cp_mobile
from asc_tf.models.soup import soup


def network(**arguments):
    return cp_mobile((32, 8, 1), 3, **{"width": 8, "depth": (1,), **arguments})


def test_each_weight_is_the_mean_and_the_networks_stay_as_they_are():
    models = [network(), network()]
    before = [model.get_weights() for model in models]
    mixed = soup(models)
    for found, one, two in zip(mixed.get_weights(), *before, strict=True):
        np.testing.assert_allclose(found, (one + two) / 2, atol=1e-7)
    for model, weights in zip(models, before, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), weights, strict=True))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([], "a soup of 1 was asked for"),
        ([{"width": 16}], "network 2 has other layers"),
        ([{}, {"depth": (2,)}], "network 3 has other layers"),
    ],
)
def test_other_networks_are_refused(others, message):
    with pytest.raises(ValueError, match=message):
        soup([network(), *(network(**arguments) for arguments in others)])
