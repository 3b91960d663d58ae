import numpy as np
import pytest
from layer_checks import check_layer

from asc_tf.layers import ChannelShuffle


@pytest.mark.parametrize(("groups", "order"), [(2, [0, 3, 1, 4, 2, 5]), (3, [0, 2, 4, 1, 3, 5])])
def test_groups_are_interleaved(groups, order):
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(ChannelShuffle(groups)(features), features[..., order])


def test_layer_contract(tmp_path):
    check_layer(ChannelShuffle(3), (8, 10, 6), tmp_path)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="groups is 1; expected 2 or more"):
        ChannelShuffle(1)
    with pytest.raises(ValueError, match="'odd' got 10 channels; expected a multiple of groups = 4"):
        ChannelShuffle(4, name="odd")(np.zeros((1, 2, 2, 10), np.float32))
