"""The features as a network takes them: a Keras input, standardized."""

import numpy as np
import tf_keras as keras

from asc_tf.layers import GlobalFrequencyNormalization


def standardized_input(input_shape, feature_mean=0.0, feature_std=1.0):
    """Open a network: its input, and the same standardized by the training features' mean and standard deviation.

    They are part of the network, so that an exported file needs no other. Two numbers standardize all bins alike; one
    number a bin is Global FreqNorm, one of the papers' baselines.

    Args:
        input_shape: (frequency, time, channel).
        feature_mean, feature_std: two numbers, or two sequences of one number a frequency bin.

    Returns:
        (inputs, standardized), both [batch, frequency, time, channel].

    Raises:
        ValueError: a standard deviation is not positive, or their number is not that of the bins.
    """
    if np.min(feature_std) <= 0:
        raise ValueError(f"feature_std is {np.min(feature_std)}; expected a positive number")
    inputs = keras.Input(input_shape, name="features")
    if np.ndim(feature_mean) or np.ndim(feature_std):
        normalization = GlobalFrequencyNormalization(feature_mean, np.square(feature_std), name="standardize")
    else:
        normalization = keras.layers.Normalization(
            axis=None, mean=feature_mean, variance=feature_std**2, name="standardize"
        )
    return inputs, normalization(inputs)
