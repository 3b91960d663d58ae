"""The classifier of every network takes a scaling of its logits."""

import numpy as np
import pytest
from small_networks import NETWORKS, features_for, unsettled

from asc_tf.errors import AscError
from asc_tf.models.scaled_logits import scale_logits


def scaling(classes):
    """(factors, offsets) of as many classes."""
    return np.linspace(0.5, 2, classes), np.linspace(-1, 1, classes)


@pytest.mark.parametrize("name", ["asc", "res2net", "cp-mobile", "cp-mobile-2023", "cp-resnet", "resnet", "tf-sepnet"])
def test_logits_are_scaled_and_the_layers_stay(name):
    model = unsettled(NETWORKS[name]())
    inputs = features_for(model, 2)
    before, shapes = model(inputs).numpy(), [weight.shape for weight in model.weights]
    factor, offset = scaling(model.output_shape[1])
    scale_logits(model, factor, offset, name)
    np.testing.assert_allclose(model(inputs), factor * before + offset, atol=1e-3 * np.ptp(before))
    assert [weight.shape for weight in model.weights] == shapes


def test_logits_behind_something_that_is_not_linear_are_not_scaled():
    import tf_keras as keras

    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.ReLU()(keras.layers.Dense(10)(inputs)))
    with pytest.raises(AscError, match="^run: its logits come from Dense 'dense.*' and cannot be scaled"):
        scale_logits(model, *scaling(10), "run")
