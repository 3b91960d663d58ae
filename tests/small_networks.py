"""Small networks of every kind, with normalizations as training leaves them."""

import functools
import random
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.models import bc_res2net, bc_resnet, bc_resnet_asc, cp_mobile, cp_mobile_2023, cp_resnet, tf_sepnet

SHALLOW = {"classes": 4, "depth": (2, 1, 1, 1), "feature_mean": 1.0, "feature_std": 2.0}


def of_fewer_blocks(build, blocks, **settings):
    """A network whose builder has its blocks a stage as a constant. Two in a stage are both kinds of TF-SepNet's and
    CP-ResNet's: with as many channels as before the block, and with others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[build.__module__], "BLOCKS_PER_STAGE", blocks)
        return build(**settings)


def plain_convolutions():
    """What none of `asc_tf.models` has: biases, a depth multiplier, an activation or a second reader in between."""
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(4, 3, name="biased")(inputs)
    x = keras.layers.BatchNormalization(scale=False, name="biased_bn")(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="multiplied")(x)
    x = keras.layers.BatchNormalization(center=False, name="multiplied_bn")(x)
    x = keras.layers.Conv2D(4, 1, activation="relu", name="activated")(x)
    x = keras.layers.BatchNormalization(name="activated_bn")(x)
    read_twice = keras.layers.Conv2D(4, 1, name="read_twice")(x)
    x = keras.layers.Add()([read_twice, keras.layers.BatchNormalization(name="read_twice_bn")(read_twice)])
    x = keras.layers.Conv2D(4, 1, use_bias=False, name="by_frequency")(keras.layers.Dropout(0.5)(x))
    x = keras.layers.BatchNormalization(axis=1, name="by_frequency_bn")(x)
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)), name="plain")


NETWORKS = {
    "asc": lambda: bc_resnet_asc((32, 34, 1), width=4, norm_position="all", learnable_lambda="bin", **SHALLOW),
    "asc none": lambda: bc_resnet_asc((32, 33, 1), width=4, norm_position="none", **SHALLOW),
    "asc input rfn": lambda: bc_resnet_asc((32, 34, 1), width=4, norm_position="input", norm="rfn", **SHALLOW),
    "resnet": lambda: bc_resnet((64, 12, 1), width=4, norm_position="all", **SHALLOW),
    "res2net": lambda: bc_res2net((32, 34, 1), width=4, scale=2, mfa=True, fpm=True, **SHALLOW),
    "cp-resnet": lambda: cp_resnet((32, 48, 2), 3, width=8, feature_mean=1.0, feature_std=2.0),
    "cp-mobile": lambda: cp_mobile((48, 33, 1), 3, width=8, feature_mean=1.0, feature_std=2.0),
    "cp-mobile-2023": lambda: cp_mobile_2023((32, 33, 1), 3, width=8, feature_mean=1.0, feature_std=2.0),
    "tf-sepnet": lambda: of_fewer_blocks(
        tf_sepnet, (2, 1, 1, 1), input_shape=(33, 34, 1), classes=3, width=8, norm="adaresnorm", lambda_=0.5
    ),
    "plain": plain_convolutions,
}
QUICK_AND_SLOW = [
    name if name in ("cp-mobile", "plain") else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS
]
"""Names of NETWORKS, as parameters of tests."""


def unsettled(model, seed=0):
    """The model with biases, scales and shifts drawn at random and the statistics that belong to its maps."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "moving_variance"):
            layer.momentum = 0.0
            for weight in layer.trainable_weights:
                weight.assign(generator.normal(1.0 if "gamma" in weight.name else 0.0, 0.3, weight.shape))
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(generator.normal(0, 0.3, layer.bias.shape))
    model(features_for(model, 8, seed), training=True)
    return model


@functools.cache
def unsettled_network(name):
    """One of NETWORKS, made once for all tests of a process, which leave it as it is."""
    random.seed(0)
    tf.random.set_seed(0)  # the same kernels whichever test comes first
    return unsettled(NETWORKS[name]())


def features_for(model, examples, seed=1):
    generator = np.random.default_rng(seed)
    size = (examples, *model.input_shape[1:])
    return generator.normal(generator.normal(1, 2, (*size[:2], 1, size[3])), 2, size).astype(np.float32)
