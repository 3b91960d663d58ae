"""From a Keras model to a .tflite file that takes a waveform."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError
from asc_tf.quiet import native_stderr_hidden
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.metadata import Metadata, with_metadata

MAX_PROBABILITY_DIFFERENCE = 1e-3


def waveform_model(frontend, model, samples):
    """Join frontend, network and softmax: waveform [batch, samples] to probabilities [batch, classes]."""
    waveform = keras.Input((samples,), name="waveform")
    return keras.Model(waveform, keras.layers.Softmax(name="probabilities")(model(frontend(waveform))))


def export_tflite(path, frontend, model, labels, clip_seconds, check_on=None):
    """Write a float .tflite file from waveform to probabilities, with all that a user of it must know inside.

    The file has one input [1, samples] at the frontend's sample rate and one output [1, classes]; only built-in TFLite
    operators. Labels, sample rate, clip length and frontend settings stand in its metadata.

    Args:
        path: of the file; it appears only once it agrees with the Keras model.
        frontend: layer from waveform to features, such as `LogMel`.
        model: network from features to logits.
        labels: names of the classes.
        clip_seconds: length of the window that the file takes.
        check_on: waveforms [n, samples] on which the file is compared with the Keras model; noise if None.

    Returns:
        The largest difference of a probability.

    Raises:
        AscError: a difference above MAX_PROBABILITY_DIFFERENCE, another scene in first place, or the disk is full.
    """
    samples = round(clip_seconds * frontend.sample_rate_hz)
    joined = waveform_model(frontend, model, samples)
    metadata = Metadata(
        labels=tuple(labels),
        sample_rate_hz=frontend.sample_rate_hz,
        samples=samples,
        frontend={"class": type(frontend).__name__, **frontend.settings()},
        network=model.name,
    )
    if check_on is None:
        check_on = np.random.default_rng(0).normal(0, 0.1, (4, samples)).astype(np.float32)
    with whole_file(path) as part:
        part.write_bytes(with_metadata(_convert(joined, samples), metadata))
        difference = _compare(joined, part, np.asarray(check_on))
    return difference


def _convert(joined, samples):
    function = tf.function(
        lambda waveform: joined(waveform, training=False),
        input_signature=[tf.TensorSpec((1, samples), name="waveform")],
    )
    # The converter saves what it is given: of the Keras model the weights are enough, and take half the time.
    owner = tf.Module()
    owner.weights = joined.weights
    with native_stderr_hidden():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], owner)
        return converter.convert()


def _compare(joined, path, waveforms):
    expected = joined.predict(waveforms, batch_size=8, verbose=0)
    classifier = Classifier(path)
    found = np.stack([classifier.window_probabilities(waveform) for waveform in waveforms])
    difference = float(np.abs(expected - found).max())
    # Where two scenes are as likely as each other to within rounding, either may come first.
    top = np.take_along_axis(expected, found.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    if not difference <= MAX_PROBABILITY_DIFFERENCE or (expected.max(axis=1) - top > difference).any():
        raise AscError(
            f"the .tflite file disagrees with the Keras model: a probability differs by {difference:.2g} on "
            f"{len(waveforms)} clips; expected at most {MAX_PROBABILITY_DIFFERENCE}"
        )
    return difference
