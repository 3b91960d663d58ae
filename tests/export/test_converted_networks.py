"""Every kind of network as a .tflite file: its operators, its answers, and its account beside the network's."""

import numpy as np
import pytest
from model_checks import converted, run_tflite
from small_networks import NETWORKS, QUICK_AND_SLOW, features_for, unsettled_network

import asc_tf.models
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.tflite_account import tflite_account


@pytest.fixture(params=QUICK_AND_SLOW, scope="module")
def both(request):
    """(network, bytes of its file, in which every operator is built in)."""
    network = unsettled_network(request.param)
    return network, converted(network)


def test_a_file_answers_as_its_network(both):
    network, content = both
    features = features_for(network, 4)
    expected = network(features, training=False).numpy()
    assert np.ptp(expected, axis=0).min() > 0.01
    np.testing.assert_allclose(run_tflite(content, features), expected, rtol=0, atol=1e-4)


def kernels(account):
    return sum(tensor.count for tensor in account.parameters() if tensor.kind == "kernel")


def test_both_accounts_agree(both, tmp_path):
    """What folding does not change: MACs, functions and kernels."""
    (tmp_path / "network.tflite").write_bytes(both[1])
    network, file = keras_account(both[0]), tflite_account(tmp_path / "network.tflite")
    assert file.operations().macs == network.operations().macs > 0
    assert file.operations().functions == network.operations().functions
    assert kernels(file) == kernels(network)
    assert file.unaccounted() == network.unaccounted() == []
    assert network.operations().multiplications > 0


@pytest.mark.slow
def test_every_network_is_among_them():
    assert {build.__name__ for build in asc_tf.models.NETWORKS.values()} <= {
        unsettled_network(name).name for name in NETWORKS
    }
