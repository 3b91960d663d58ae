import numpy as np
from layer_checks import check_layer

from asc_tf.layers import FrequencyAveragePooling


def test_output_is_the_mean_over_frequency():
    features = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    outputs = FrequencyAveragePooling()(features)
    assert outputs.shape == (2, 1, 5, 3)
    np.testing.assert_allclose(outputs[:, 0], features.mean(axis=1), atol=1e-6)


def test_layer_contract(tmp_path):
    check_layer(FrequencyAveragePooling(), (8, 10, 3), tmp_path)
