"""From a trained network to an ONNX file that knows its labels. Needs the extra `onnx`."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError, not_installed
from asc_tf.export.agreement import Agreement
from asc_tf.export.deployment import deployment_graph
from asc_tf.export.tflite import keras_probabilities, metadata_of
from asc_tf.quiet import native_stderr_hidden

if TYPE_CHECKING:
    from asc_tf.frontend.mel_spectrogram import MelSpectrogram

OPSET = 17
METADATA_KEY = "asc_tf"


def export_onnx(
    path: str | os.PathLike,
    frontend: MelSpectrogram,
    model: keras.Model,
    labels: Sequence[str],
    clip_seconds: float,
    check_on: np.ndarray | None = None,
    *,
    check_labels: np.ndarray | None = None,
    check_devices: Sequence[str] | None = None,
) -> Agreement:
    """Write an ONNX file from features to probabilities, complete with labels and settings.

    The file runs the deployment graph (`deployment_graph`) in float32: features [1, frequency, time, 1], input
    "features", to probabilities [1, classes], output "probabilities". It uses only operators of the standard set,
    version 17. Its property "asc_tf" is JSON: the fields of `asc_tf.runtime.metadata.Metadata`, labels among them.

    There is no waveform input: tf2onnx does not support the real and imaginary part of a Fourier transform.
    `asc_tf.runtime.frontend` makes the features in numpy.

    Args:
        path, frontend, model, labels, clip_seconds, check_on, check_labels, check_devices: as of `export_tflite`.

    Returns:
        `Agreement` of onnxruntime with the Keras model.

    Raises:
        AscError: tf2onnx or onnxruntime is missing, tf2onnx cannot convert the network, the file disagrees with the
            Keras model beyond the bound of float files, or the disk is full.
    """
    samples = round(clip_seconds * frontend.sample_rate_hz)
    if check_on is None:
        check_on = np.random.default_rng(0).normal(0, 0.1, (4, samples)).astype(np.float32)
    features = np.concatenate([frontend(waveform[np.newaxis]).numpy() for waveform in check_on])
    content = _converted(model, frontend.feature_shape(samples))
    metadata = metadata_of(frontend, model, labels, samples, input="features")
    entry = content.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(dataclasses.asdict(metadata))
    with whole_file(path) as part:
        part.write_bytes(content.SerializeToString())
        expected = keras_probabilities(frontend, model, check_on)
        agreement = Agreement(expected, _probabilities(part, features), check_labels, check_devices)
        agreement.check("float")
    return agreement


def _converted(model, shape):
    """The ONNX model of the deployment graph with softmax."""
    tf2onnx = _module("tf2onnx")
    features = keras.Input(shape, name="features")
    logits = deployment_graph(model)(features)
    joined = keras.Model(features, keras.layers.Softmax(name="probabilities")(logits))
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with native_stderr_hidden():
        content, _ = tf2onnx.convert.from_keras(joined, [tf.TensorSpec((1, *shape), name="features")], opset=OPSET)
    return content


def _probabilities(path, features):
    onnxruntime = _module("onnxruntime")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return np.concatenate([session.run(None, {"features": clip[np.newaxis]})[0] for clip in features])
    except Exception as error:  # of pybind11; tf2onnx leaves unconverted operations in the file
        raise AscError(f"onnxruntime cannot run the file ({str(error).splitlines()[0][:200]})") from error


def _module(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise not_installed("--format onnx", name, "onnx", f" ({error})") from error
