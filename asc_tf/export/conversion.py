"""TensorFlow's converter, for one function of one input."""

import functools
import json
import warnings

import numpy as np
import tensorflow as tf

from asc_tf.internals.tensorflow import with_constants
from asc_tf.quiet import native_stderr_hidden

FORMATS = ("float", "float16", "int8")
_FRONTENDS = {}  # bytes of a file by all that determines them


def converted(model, shape, format="float", calibration=None, float_input=True):
    """A .tflite file's bytes from a Keras model or function [1, ...] to [1, ...] at inference.

    Args:
        model: callable, a Keras model or a function.
        shape: of its input without the batch.
        format: one of FORMATS. "int8" quantizes weights, one scale an output channel, and feature maps, one scale a
            map, by the ranges that they have on `calibration`.
        calibration: for "int8", inputs [n, ...].
        float_input: whether an 8-bit file takes float32 and quantizes it itself; its output is always float32.
    """
    function = tf.function(
        lambda x: model(x, training=False) if hasattr(model, "weights") else model(x),
        input_signature=[tf.TensorSpec((1, *shape))],
    )
    # The converter saves and loads what has variables, which takes longer than all else that it does.
    constant = with_constants(function.get_concrete_function())
    with native_stderr_hidden(), warnings.catch_warnings():
        # The ranges of an 8-bit input come from the calibration.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected", UserWarning)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([constant], tf.Module())
        if format != "float":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if format == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if format == "int8":
            inputs = np.asarray(calibration, np.float32)
            converter.representative_dataset = lambda: ([example[np.newaxis]] for example in inputs)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.float32 if float_input else tf.int8
        return converter.convert()


def frontend_file(frontend, samples):
    """A .tflite file's bytes from a waveform to features; equal frontends are converted once in a process.

    Args:
        frontend: layer from waveform to features, such as `LogMel`.
        samples: length of the waveform.
    """
    key = type(frontend), json.dumps(frontend.settings(), sort_keys=True), frontend.compute_dtype, samples
    if key not in _FRONTENDS:
        _FRONTENDS[key] = converted(frontend, (samples,))
    return _FRONTENDS[key]


@functools.cache
def softmax_file(classes):
    """A .tflite file's bytes from so many logits to probabilities."""
    return converted(tf.nn.softmax, (classes,))
