"""The mean of several networks' probabilities."""

import functools
import operator

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import AVERAGE

_SMALLEST = 1e-30


@keras.saving.register_keras_serializable("asc_tf")
class LogMeanProbability(keras.layers.Layer):
    """Logits of an ensemble that averages probabilities.

        y = ln(1 / n * sum_i softmax(x_i)), so that softmax(y) is the mean of the softmax(x_i)

    Input: list of n logits [batch, classes]. Output: [batch, classes]; a probability below 1e-30 counts as 1e-30.
    """

    channel_paths = AVERAGE

    def call(self, inputs):
        total = functools.reduce(operator.add, map(tf.nn.softmax, inputs))  # TFLite has no 8-bit form of `add_n`
        mean = total * (1 / len(inputs))
        return tf.math.log(tf.maximum(mean, _SMALLEST))
