import numpy as np
import pytest
from layer_checks import check_layer

from asc_tf.layers import ChannelSlice


def test_slices_in_order_are_the_input():
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 12)).astype(np.float32)
    parts = [ChannelSlice(i, 4)(features) for i in range(4)]
    assert all(part.shape == (2, 3, 4, 3) for part in parts)
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), features)


def test_layer_contract(tmp_path):
    check_layer(ChannelSlice(1, 3), (8, 10, 6), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0), "groups is 0; expected 1 or more"),
        ((4, 4), "index is 4; expected 0 to 3"),
        ((-1, 4), "index is -1; expected 0 to 3"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ChannelSlice(*arguments)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="'odd' got 10 channels; expected a multiple of groups = 4"):
        ChannelSlice(0, 4, name="odd")(np.zeros((1, 2, 2, 10), np.float32))
