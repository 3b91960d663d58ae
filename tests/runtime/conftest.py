"""One small exported file for all tests of the runtime."""

import pytest


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    """Of a linear network of random weights on half a second at 16 kHz: each sound has probabilities of its own."""
    import tf_keras as keras

    from asc_tf.export.tflite import export_tflite
    from asc_tf.frontend.log_mel import LogMel

    labels = ("north", "east", "south", "west")
    frontend = LogMel(window_ms=64, hop_ms=32, mel_bins=16)
    inputs = keras.Input(frontend.feature_shape(8000))
    weights = keras.initializers.RandomNormal(stddev=0.03, seed=0)
    outputs = keras.layers.Dense(len(labels), kernel_initializer=weights)(keras.layers.Flatten()(inputs))
    path = tmp_path_factory.mktemp("export") / "model.tflite"
    export_tflite(path, frontend, keras.Model(inputs, outputs, name="linear"), labels, 0.5)
    return path


@pytest.fixture(scope="session")
def classifier(file):
    from asc_tf.runtime import Classifier

    return Classifier(file)
