"""The classifier of every network takes a scaling of its logits."""

import numpy as np
import pytest
from small_networks import features_for, of_fewer_blocks, unsettled

from asc_tf.errors import AscError
from asc_tf.models import NETWORKS
from asc_tf.models.scaled_logits import scale_logits

# With as few blocks as there may be: the end of each network is what it is.
FEWEST = {
    "bc-resnet-asc": {"depth": (1, 1, 1, 1), "width": 4, "norm_position": "none"},
    "bc-resnet": {"depth": (1, 1, 1, 1), "width": 4, "input_shape": (64, 12, 1)},
    "bc-res2net": {"depth": (1, 1, 1, 1), "width": 4, "scale": 2, "norm_position": "none", "stem_mfa": False},
    "cp-mobile": {"depth": (1,), "width": 8},
    "cp-mobile-2023": {"blocks": (1,), "width": 8},
    "cp-resnet": {"blocks": 1, "width": 4},
    "tf-sepnet": {"blocks": (1, 1, 1, 1), "width": 8},
}


def fewest(name):
    settings = {"input_shape": (32, 34, 1), "classes": 4, **FEWEST[name]}
    if "blocks" in settings:
        return of_fewer_blocks(NETWORKS[name], settings.pop("blocks"), **settings)
    return NETWORKS[name](**settings)


def scaling(classes):
    """(factors, offsets) of as many classes."""
    return np.linspace(0.5, 2, classes), np.linspace(-1, 1, classes)


@pytest.mark.parametrize("name", FEWEST)
def test_logits_are_scaled_and_the_layers_stay(name):
    model = unsettled(fewest(name))
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
