import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer

from asc_tf.layers import ChannelSplit


def test_sub_maps_in_order_are_the_input():
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 12)).astype(np.float32)
    parts = ChannelSplit(4)(features)
    assert [part.shape for part in parts] == [(2, 3, 4, 3)] * 4
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), features)


def test_gradients_are_put_together_once():
    @tf.function(input_signature=[tf.TensorSpec((None, 3, 4, 12))])
    def gradient(features):
        first, second, third = ChannelSplit(3)(features)
        return tf.gradients(tf.reduce_sum(first * second), features)[0] + 0 * tf.reduce_sum(third)

    features = np.random.default_rng(0).normal(size=(2, 3, 4, 12)).astype(np.float32)
    expected = np.concatenate([features[..., 4:8], features[..., :4], np.zeros((2, 3, 4, 4))], axis=-1)
    np.testing.assert_array_equal(gradient(features), expected)
    operations = [each.type for each in gradient.get_concrete_function().graph.get_operations()]
    assert operations.count("ConcatV2") == 1 and "StridedSliceGrad" not in operations


def test_layer_contract(tmp_path):
    check_layer(ChannelSplit(3), (8, 10, 6), tmp_path)


def test_one_group_is_refused():
    with pytest.raises(ValueError, match="groups is 1; expected 2 or more"):
        ChannelSplit(1)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="'odd' got 10 channels; expected a multiple of groups = 4"):
        ChannelSplit(4, name="odd")(np.zeros((1, 2, 2, 10), np.float32))
