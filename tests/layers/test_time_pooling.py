import numpy as np
from layer_checks import check_layer

from asc_tf.layers import TimeAveragePooling


def test_output_is_the_mean_over_time():
    features = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    outputs = TimeAveragePooling()(features)
    assert outputs.shape == (2, 6, 1, 3)
    np.testing.assert_allclose(outputs[:, :, 0], features.mean(axis=2), atol=1e-6)


def test_layer_contract(tmp_path):
    check_layer(TimeAveragePooling(), (8, 10, 3), tmp_path)
