"""RAM and flash of a network on a microcontroller, before it is trained."""

import numpy as np
import pytest

from asc_tf.frontend.log_mel import LogMel
from asc_tf.micro import prediction
from asc_tf.micro.arena import estimated_arena, measured_arena
from asc_tf.micro.network import network_of
from asc_tf.micro.prediction import least_footprint, predicted_footprint
from asc_tf.models import NETWORKS

FRONTEND = LogMel(mel_bins=64)
ABOUT = FRONTEND, ("bus", "park"), 1.0
SMALL = {"depth": (1, 1, 1, 1)}


def network(name="bc-resnet-asc", **settings):
    return NETWORKS[name](input_shape=FRONTEND.feature_shape(16000), classes=2, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [("bc-resnet-asc", {"width": 24, **SMALL}), ("bc-res2net", {"width": 8, "scale": 2, **SMALL}), ("cp-mobile", {})],
)
def test_the_arena_is_predicted_within_10_percent(name, settings, monkeypatch):
    """Its maps by the plan, and the interpreter's records, which are most of it in a narrow network."""
    pytest.importorskip("tflite_micro")
    monkeypatch.setattr(prediction, "footprint_of_file", lambda file: network_of(file.read_bytes(), file))
    file = predicted_footprint(network(name, **settings), *ABOUT)
    measured, estimated = measured_arena(file.content), estimated_arena(file)
    assert estimated.maps == pytest.approx(measured.maps, abs=64)
    assert estimated.records == pytest.approx(measured.records, rel=0.1)


@pytest.mark.slow
def test_flash_of_a_new_network_is_that_of_a_trained_one():
    """Zeros and ones of new normalizations would share one buffer of the file."""
    model = network("cp-mobile", width=8, depth=(1, 1))
    new, generator = predicted_footprint(model, *ABOUT), np.random.default_rng(1)
    model.set_weights([weight + generator.uniform(-0.3, 0.3, weight.shape) for weight in model.get_weights()])
    weights = model.get_weights()
    trained = predicted_footprint(model, *ABOUT)
    assert new.flash == pytest.approx(trained.flash, rel=0.01) and new.arena == trained.arena
    assert all(map(np.array_equal, model.get_weights(), weights))  # the model itself is not changed
    least = least_footprint(model, *ABOUT)
    assert least.frontend == new.frontend and least.ram < new.ram and least.flash < new.flash
