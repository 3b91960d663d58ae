"""RAM and flash of a network on a microcontroller, known before it is trained or exported."""

import math
import tempfile
from pathlib import Path

import numpy as np
import tf_keras as keras

from asc_tf.export.tflite import input_quantization, joined_file, metadata_of
from asc_tf.micro.arena import Arena
from asc_tf.micro.folder import footprint_of_file
from asc_tf.micro.footprint import footprint_of
from asc_tf.micro.network import Network
from asc_tf.micro.tables import tables_of
from asc_tf.runtime.metadata import with_metadata

_CALIBRATION_CLIPS = 2  # the scales of the maps change, their sizes do not


def predicted_footprint(model, frontend, labels, clip_seconds):
    """`Footprint` of the folder that `asc-tf export --target micro` would write for a network.

    The network is converted as for the folder, but calibrated on noise. A new network has equal numbers in its
    normalizations, that the file would store once: they are drawn, so that the file is as large as after a training.

    Args:
        model: network from features to logits, untrained or trained; it is not changed.
        frontend, labels, clip_seconds: of `asc_tf.export.tflite.export_tflite`.

    Raises:
        AscError: a frontend that is not written in C, or an operator that the interpreter lacks.
    """
    samples = round(clip_seconds * frontend.sample_rate_hz)
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((_CALIBRATION_CLIPS, *frontend.feature_shape(samples))).astype(np.float32)
    network = _with_varied_weights(model, generator)
    content = joined_file(frontend, network, samples, "int8", "features", noise, least_memory=True)
    metadata = _metadata(model, frontend, labels, samples, input_quantization(content))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        file.write_bytes(with_metadata(content, metadata))
        return footprint_of_file(file)


def least_footprint(model, frontend, labels, clip_seconds):
    """A lower bound of `predicted_footprint` without a conversion: the frontend, the features, the kernels' numbers."""
    samples = round(clip_seconds * frontend.sample_rate_hz)
    metadata = _metadata(model, frontend, labels, samples, {"dtype": "int8", "scale": 1.0, "zero_point": 0})
    kernels = [weight for weight in model.trainable_weights if weight.shape.rank == 4]
    features = Arena(maps=math.prod(metadata.features), records=0, measured=False)
    bare = Network(bytes(sum(math.prod(kernel.shape) for kernel in kernels)), (), nodes=0, tensors=0, channels=0)
    return footprint_of(bare, tables_of(metadata, "a network"), features, macs=0)


def _metadata(model, frontend, labels, samples, quantization):
    return metadata_of(frontend, model, labels, samples, input="features", format="int8", quantization=quantization)


def _with_varied_weights(model, generator):
    """A copy of a network in which no weight consists of equal numbers."""
    copy = keras.models.clone_model(model)
    copy.set_weights([
        weight + generator.uniform(-0.4, 0.4, weight.shape) if weight.min() == weight.max() else weight
        for weight in map(np.asarray, model.get_weights())
    ])  # fmt: skip
    return copy
