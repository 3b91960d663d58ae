"""From a trained network to a .tflite file that knows its labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError
from asc_tf.export.agreement import Agreement
from asc_tf.export.bias_correction import with_corrected_biases
from asc_tf.export.chaining import chained
from asc_tf.export.conversion import FORMATS, converted, frontend_file, softmax_file
from asc_tf.export.deployment import deployment_graph
from asc_tf.export.equalized_channels import equalize_channels
from asc_tf.export.integer_norms import with_integer_norms
from asc_tf.export.memory_plan import with_memory_plan
from asc_tf.export.model_metadata import ENTRY, LABELS_FILE, labels_file, model_metadata
from asc_tf.export.narrowed_ranges import with_narrowed_ranges
from asc_tf.export.scheduling import scheduled
from asc_tf.export.shared_scales import with_shared_scales
from asc_tf.export.shrinking import shrunk
from asc_tf.export.slabs import SlabbedNetwork
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.metadata import Metadata, with_metadata

if TYPE_CHECKING:
    from asc_tf.frontend.mel_spectrogram import MelSpectrogram

INPUTS = ("features", "waveform")


def export_tflite(
    path: str | os.PathLike,
    frontend: MelSpectrogram,
    model: keras.Model,
    labels: Sequence[str],
    clip_seconds: float,
    check_on: np.ndarray | None = None,
    *,
    format: str = "float",
    input: str = "waveform",
    calibrate_on: np.ndarray | None = None,
    check_labels: np.ndarray | None = None,
    check_devices: Sequence[str] | None = None,
    uncertain_below: float | None = None,
    least_memory: bool = False,
) -> Agreement:
    """Write a .tflite file from waveform or features to probabilities, complete with labels and settings.

    The file runs the deployment graph of the network (`deployment_graph`) and only built-in TFLite operators. It gives
    one float32 output [1, classes]. Its input is float32, waveform [1, samples] at the frontend's sample rate or
    features [1, frequency, time, 1], but for one kind: an 8-bit file of features takes int8, as runtimes for
    microcontrollers expect, with scale and zero point in the input tensor and in the metadata. Its probabilities stay
    float32 (ten numbers): steps of 1/256 would make a log loss meaningless.

    In an 8-bit file all weights and feature maps of the network have 8 bits. The frontend stays float32, in float16
    files too: powers span more than ten decades, too many for 256 steps.

    Args:
        path: of the file; it appears only once it agrees with the Keras model.
        frontend: layer from waveform to features, such as `LogMel`.
        model: network from features to logits; it is not changed.
        labels: names of the classes.
        clip_seconds: length of the window that the file takes.
        check_on: waveforms [n, samples] on which the file is compared with the Keras model; noise if None.
        format: "float", "float16" or "int8".
        input: "waveform" or "features".
        calibrate_on: for int8, waveforms [n, samples] whose feature maps set the scales: about 100 training clips, of
            all devices alike.
        check_labels: index of the scene of each of `check_on`, for the change of the log loss; or None.
        check_devices: name of the device of each of them, or None.
        uncertain_below: of `Metadata`.
        least_memory: for int8, the graph with the least memory on a microcontroller in place of the fastest one: the
            first stage runs slab by slab (`SlabbedNetwork`).

    Returns:
        `Agreement` with the Keras model.

    Raises:
        AscError: `format` or `input` unknown, int8 without clips to calibrate on, the file disagrees with the Keras
            model beyond `agreement.BOUNDS`, or the disk is full.
    """
    for value, known in ((format, FORMATS), (input, INPUTS)):
        if value not in known:
            raise AscError(f"'{value}' is no format or input of a file; expected one of {', '.join(known)}")
    if format == "int8" and (calibrate_on is None or not len(calibrate_on)):
        raise AscError("an 8-bit file is asked for without clips to calibrate on; expected about 100 training clips")
    samples = round(clip_seconds * frontend.sample_rate_hz)
    calibration = None if calibrate_on is None else _in_batches(frontend, np.asarray(calibrate_on, np.float32))
    content = joined_file(frontend, model, samples, format, input, calibration, least_memory)
    quantization = input_quantization(content)
    more = {"format": format, "quantization": quantization, "uncertain_below": uncertain_below}
    metadata = metadata_of(frontend, model, labels, samples, input=input, **more)
    if check_on is None:
        check_on = np.random.default_rng(0).normal(0, 0.1, (4, samples)).astype(np.float32)
    with whole_file(path) as part:
        part.write_bytes(_complete(content, metadata))
        found = _file_probabilities(part, frontend, np.asarray(check_on))
        expected = keras_probabilities(frontend, model, np.asarray(check_on))
        agreement = Agreement(expected, found, check_labels, check_devices)
        agreement.check(format)
    return agreement


def joined_file(frontend, model, samples, format, input, calibration, least_memory):
    """The bytes of `export_tflite`'s file without metadata: frontend, network and softmax, each converted by itself.

    Args:
        samples: length of the window.
        calibration: for int8, features [n, frequency, time, 1]; or None.
        frontend, model, format, input, least_memory: of `export_tflite`.
    """
    shape = frontend.feature_shape(samples)
    parts = {}
    if input == "waveform":
        parts["waveform"] = frontend_file(frontend, samples)
    parts["features"] = network_file(model, shape, format, calibration, input == "waveform", least_memory)
    parts["logits"] = softmax_file(model.output_shape[1])
    content = shrunk(chained(parts, "probabilities"))
    return with_memory_plan(content) if least_memory else content


def _complete(content, metadata):
    """The file's bytes with our metadata and, for waveforms, what MediaPipe's AudioClassifier reads."""
    if metadata.input != "waveform":
        return with_metadata(content, metadata)
    return with_metadata(content, metadata, {ENTRY: model_metadata(metadata)}, {LABELS_FILE: labels_file(metadata)})


def metadata_of(frontend, model, labels, samples, **more):
    """`Metadata` of a file with this frontend and network; `more` are its other fields."""
    return Metadata(
        labels=tuple(labels),
        sample_rate_hz=frontend.sample_rate_hz,
        samples=samples,
        frontend={"class": type(frontend).__name__, **frontend.settings()},
        network=model.name,
        features=tuple(frontend.feature_shape(samples)[:2]),
        **more,
    )


def network_file(model, shape, format="float", calibration=None, float_input=True, least_memory=False):
    """A .tflite file's bytes from features to logits, by the network's deployment graph.

    Args:
        model, shape, format, calibration, float_input: of `converted`.
        least_memory: for int8, the graph with the least memory on a microcontroller in place of the fastest one.
    """
    graph = deployment_graph(model, space_to_depth=format == "int8", binwise=least_memory)
    if format != "int8":
        return converted(graph, shape, format)
    runs = with_integer_norms(graph, calibration)
    equalize_channels(runs, calibration)
    runs = SlabbedNetwork(runs) if least_memory else runs
    content = converted(runs, shape, format, calibration, float_input)
    content = scheduled(with_shared_scales(content)) if least_memory else content
    content = with_narrowed_ranges(content, calibration)
    return with_corrected_biases(content, converted(runs, shape), calibration)


def _in_batches(layer, inputs, size=8):
    return np.concatenate([layer(inputs[start : start + size]).numpy() for start in range(0, len(inputs), size)])


def input_quantization(content):
    """{"dtype", "scale", "zero_point"} of a quantized input, else None: real = scale * (number - zero_point)."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)).subgraphs[0]
    taken = graph.tensors[graph.inputs[0]]
    if taken.type != schema.TensorType.INT8:
        return None
    scale, zero_point = float(taken.quantization.scale[0]), int(taken.quantization.zeroPoint[0])
    return {"dtype": "int8", "scale": scale, "zero_point": zero_point}


def keras_probabilities(frontend, model, waveforms):
    """A network's probabilities [n, classes] for waveforms [n, samples], untraced: tracing would take longer."""
    features = _in_batches(frontend, waveforms)
    return _in_batches(lambda batch: tf.nn.softmax(model(batch, training=False)), features)


def _file_probabilities(path, frontend, waveforms):
    classifier = Classifier(path)
    from_features = classifier.metadata.input == "features"
    windows = _in_batches(frontend, waveforms)[..., 0] if from_features else waveforms
    return np.stack([classifier.window_probabilities(window) for window in windows])
