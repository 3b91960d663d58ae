"""The moving statistics of normalizations, measured anew for given weights."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf
import tf_keras as keras


def measure(model: keras.Model, batches: Iterable) -> None:
    """Replace moving means and variances by their mean over batches, as the network sees these in training.

    Weights that were averaged or set by hand have other feature maps than those that the moving statistics were kept
    for.

    Args:
        model: flat network whose normalizations have `moving_mean`, `moving_variance` and `momentum`, as
            `BatchNormalization` and `SubSpectralNormalization` have. Layers that are not trainable keep theirs.
        batches: of (features [batch, frequency, time, 1], anything); one or more.

    Raises:
        ValueError: no batches.

    Reference: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018, section
    3.2. Difference: the mean of the batches' variances, not the variance of all values, as in training.
    """
    held = [
        (weight, 1 - layer.momentum)
        for layer in model.layers
        if layer.trainable
        for weight in layer.non_trainable_weights
        if weight.name.rpartition("/")[2].startswith(("moving_mean", "moving_variance"))
    ]
    forward = tf.function(lambda features: model(features, training=True), reduce_retracing=True)
    totals, count = [np.zeros(weight.shape) for weight, _ in held], 0
    for features, _ in batches:
        for weight, _ in held:
            weight.assign(tf.zeros_like(weight))  # one step away from 0, a moving average is the batch's share
        forward(features)
        totals = [total + weight.numpy() / share for total, (weight, share) in zip(totals, held, strict=True)]
        count += 1
    if not count:
        raise ValueError("there are no batches to measure on; expected one or more")
    for total, (weight, _) in zip(totals, held, strict=True):
        weight.assign(total / count)
