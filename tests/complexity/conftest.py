"""Networks and files that the tests of the accounts share."""

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.quiet import native_stderr_hidden

layers = keras.layers


def dcase_baseline(frames):
    """The baseline of the challenge's tasks of 2021 (500 frames, 10 s) and 2022 (51 frames, 1 s), by its description:
    three 7x7 convolutions with batch normalization, two poolings, two dense layers, 40 mel bins."""
    features = keras.Input((40, frames, 1))
    x = features
    for filters, pool in ((16, None), (16, (5, 5)), (32, (4, min(100, frames // 5)))):
        x = layers.Conv2D(filters, 7, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        if pool:
            x = layers.MaxPooling2D(pool)(x)
            x = layers.Dropout(0.3)(x)
    x = layers.Dense(100, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.3)(x)
    return keras.Model(features, layers.Dense(10, activation="softmax")(x), name="baseline")


def randomized(model):
    """The model with every weight a number that is not zero, and no two alike."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return model


def converted(model, int8=False):
    """Bytes of the .tflite file of a Keras model, made by TensorFlow's converter alone."""
    import tensorflow as tf

    (shape,) = [(1, *tensor.shape[1:]) for tensor in model.inputs]
    function = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(shape)])
    owner = tf.Module()  # of the weights alone: to save all that Keras has takes ten times as long
    owner.weights = model.weights
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], owner)
    if int8:
        generator = np.random.default_rng(0)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([generator.normal(size=shape).astype(np.float32)] for _ in range(2))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with native_stderr_hidden():
        return converter.convert()


@pytest.fixture(scope="session")
def baseline():
    """Function from a number of frames to the challenge's baseline, no weight of it zero."""
    return lambda frames: randomized(dcase_baseline(frames))


@pytest.fixture(scope="session")
def tflite(tmp_path_factory):
    """Function that converts a Keras model and returns the path of the file."""

    def convert(model, int8=False):
        path = tmp_path_factory.mktemp("tflite") / f"{model.name}.tflite"
        path.write_bytes(converted(model, int8))
        return path

    return convert


@pytest.fixture(scope="session")
def of_waveforms():
    """(frontend, network, the two and a softmax as one Keras model); 1 s, width 4, one block a stage."""
    from asc_tf.frontend.log_mel import LogMel
    from asc_tf.models import bc_resnet_asc

    frontend = LogMel(mel_bins=64)
    shape = frontend.feature_shape(16000)
    network = randomized(bc_resnet_asc(shape, width=4, depth=(1, 1, 1, 1), feature_mean=-3.0, feature_std=2.0))
    waveform = keras.Input((16000,), name="waveform")
    joined = keras.Model(waveform, layers.Softmax(name="probabilities")(network(frontend(waveform))))
    return frontend, network, joined


@pytest.fixture(scope="session")
def exported(of_waveforms, tmp_path_factory):
    """(path of a file of ours from waveform to probabilities, the Keras model of the same)."""
    from asc_tf.export.tflite import export_tflite

    frontend, network, joined = of_waveforms
    path = tmp_path_factory.mktemp("exported") / "model.tflite"
    export_tflite(path, frontend, network, [f"scene {i}" for i in range(10)], clip_seconds=1.0)
    return path, joined
