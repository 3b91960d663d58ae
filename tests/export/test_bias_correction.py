import numpy as np
import pytest
import tf_keras as keras
from small_networks import NETWORKS, features_for, unsettled

from asc_tf.export.bias_correction import logits_of, with_corrected_bias
from asc_tf.export.conversion import converted
from asc_tf.export.deployment import deployment_graph


@pytest.mark.slow
@pytest.mark.parametrize("name", ["asc none", "cp-resnet"])
def test_the_mean_logits_become_right(name):
    network = unsettled(NETWORKS[name]())
    clips = features_for(network, 16)
    content = converted(deployment_graph(network), network.input_shape[1:], "int8", clips, float_input=False)
    expected = network(clips, training=False).numpy() + 0.1
    before, after = (
        np.abs((logits_of(each, clips) - expected).mean(axis=0))
        for each in (content, with_corrected_bias(content, clips, expected))
    )
    assert before.max() > 0.05 and after.max() < 0.4 * before.max()


def test_a_file_whose_logits_no_bias_reaches_straight_stays():
    inputs = keras.Input((8, 8, 1))
    for activation, format in (("relu", "int8"), (None, "float")):
        outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1, activation=activation)(inputs))
        clips = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
        content = converted(keras.Model(inputs, outputs), (8, 8, 1), format, clips)
        assert with_corrected_bias(content, clips, np.zeros((4, 3))) is content
