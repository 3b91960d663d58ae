"""The classifier of every network takes a scaling of its logits."""

import numpy as np
import pytest
from small_networks import unsettled

from asc_tf.errors import AscError
from asc_tf.models.scaled_logits import scale_logits

FACTOR, OFFSET = np.linspace(0.5, 2, 10), np.linspace(-1, 1, 10)


@pytest.mark.parametrize("name", ["bc_resnet_asc", "bc_res2net", "cp_mobile", "cp_resnet", "bc_resnet", "tf_sepnet"])
def test_logits_are_scaled_and_the_layers_stay(name):
    import asc_tf

    model = unsettled(getattr(asc_tf, name)((256, 32, 1), 10))
    inputs = np.random.default_rng(0).normal(size=(2, 256, 32, 1)).astype(np.float32)
    before, shapes = model(inputs).numpy(), [weight.shape for weight in model.weights]
    scale_logits(model, FACTOR, OFFSET, name)
    np.testing.assert_allclose(model(inputs), FACTOR * before + OFFSET, atol=1e-3 * np.ptp(before))
    assert [weight.shape for weight in model.weights] == shapes


def test_logits_behind_something_that_is_not_linear_are_not_scaled():
    import tf_keras as keras

    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.ReLU()(keras.layers.Dense(10)(inputs)))
    with pytest.raises(AscError, match="^run: its logits come from Dense 'dense.*' and cannot be scaled"):
        scale_logits(model, FACTOR, OFFSET, "run")
