"""Ensembles against the formula, as one flat network that saves, counts and converts."""

import functools

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.complexity.keras_account import keras_account
from asc_tf.export.tflite import export_tflite
from asc_tf.frontend.log_mel import LogMel
from asc_tf.layers import LogMeanProbability
from asc_tf.models import bc_resnet_asc, cp_mobile, ensemble
from asc_tf.models.network_file import read_network
from asc_tf.runtime import Classifier
from asc_tf.training.seeding import set_seed

pytestmark = pytest.mark.usefixtures("eager")
SHAPE = (32, 34, 1)
FEATURES = np.random.default_rng(0).normal(size=(5, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def members():
    set_seed(0)
    networks = [
        bc_resnet_asc(SHAPE, 3, width=4, depth=(1, 1, 1, 1), norm_position="input", feature_mean=1.0),
        cp_mobile(SHAPE, 3, width=8, depth=(1,), feature_std=2.0),
    ]
    generator = np.random.default_rng(1)
    for network in networks:
        network.set_weights([w + generator.uniform(0, 0.1, w.shape) for w in network.get_weights()])
    return networks


@pytest.fixture(scope="module")
def joined(members):
    """Function from the kind of average to the ensemble. Do not change it."""
    return functools.cache(lambda average="probabilities": ensemble(members, average))


def softmax(values):
    exponential = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_average_is_the_formula(members, joined, average):
    logits = np.stack([network(FEATURES) for network in members])
    expected = softmax(logits).mean(axis=0) if average == "probabilities" else softmax(logits.mean(axis=0))
    other = softmax(logits.mean(axis=0)) if average == "probabilities" else softmax(logits).mean(axis=0)
    found = softmax(joined(average)(FEATURES).numpy())
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - other).max() > 1e-3


def test_it_is_flat_and_the_members_stay_as_they_are(members, joined):
    whole, before = joined(), [network.get_weights() for network in members]
    assert not [layer for layer in whole.layers if isinstance(layer, keras.Model)]
    assert whole.count_params() == sum(network.count_params() for network in members)
    weights = whole.get_weights()
    whole.set_weights([0 * w for w in weights])
    for network, old in zip(members, before, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(network.get_weights(), old, strict=True))
    whole.set_weights(weights)


@pytest.mark.slow
def test_it_is_read_back_the_same(joined, tmp_path):
    joined().save(tmp_path / "ensemble.keras")
    read = read_network(tmp_path / "ensemble.keras")
    np.testing.assert_array_equal(read.predict(FEATURES, verbose=0), joined().predict(FEATURES, verbose=0))


def test_it_counts_what_its_members_count(members, joined):
    account, parts = keras_account(joined(), 1.0), [keras_account(network, 1.0) for network in members]
    assert account.operations("network").macs == sum(part.operations("network").macs for part in parts)
    assert not account.unaccounted("network")

    def trainable(one):
        return sum(tensor.count for tensor in one.parameters("network") if tensor.trainable)

    assert trainable(account) == sum(map(trainable, parts))


@pytest.mark.slow
@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_it_becomes_one_file(joined, tmp_path, average):
    network, frontend = joined(average), LogMel(mel_bins=32)
    waveforms = np.random.default_rng(2).normal(0, 0.1, (3, 16000)).astype(np.float32)
    path = tmp_path / "ensemble.tflite"
    assert export_tflite(path, frontend, network, ["x", "y", "z"], 1.0, waveforms).difference < 1e-5
    expected = softmax(network.predict(frontend(waveforms), verbose=0))
    found = [Classifier(path).window_probabilities(waveform) for waveform in waveforms]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_sure_member_gives_no_infinity():
    logits = LogMeanProbability()([np.array([[900.0, 0.0]], np.float32)] * 2)
    np.testing.assert_allclose(logits, [[0.0, np.log(1e-30)]], rtol=1e-5)


def test_what_cannot_be_joined(members):
    with pytest.raises(ValueError, match="expected one of probabilities, logits"):
        ensemble(members, "votes")
    with pytest.raises(ValueError, match="expected 2 networks or more"):
        ensemble(members[:1])
    with pytest.raises(ValueError, match="expected the same of all"):
        ensemble([members[0], cp_mobile(SHAPE, 4, width=8, depth=(1,))])
