"""What every leaf layer must stand: saving, `model.fit`, mixed precision and `jit_compile`."""

import numpy as np
import tensorflow as tf
import tf_keras as keras


def check_layer(layer, shape, folder):
    """Put a layer into a small model and check the contract of a leaf layer; `shape` is without the batch."""
    features = np.random.default_rng(0).normal(0, 1, (4, *shape)).astype(np.float32)
    _check_config(layer)
    model = model_around(layer, shape)
    _check_fit(model, features)
    _check_compiled(copy_of(layer), features)
    _check_saving(model, features, folder / "layer.keras")
    _check_mixed_precision(layer, shape, features)


def copy_of(layer, **changes):
    return type(layer).from_config({**layer.get_config(), **changes})


def model_around(layer, shape):
    """Convolution, the layer, convolution: gradients must pass through it."""
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(shape[-1], 1)(inputs)
    x = joined(layer(x))
    x = keras.layers.Conv2D(2, 1, dtype="float32")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(dtype="float32")(x))


def joined(outputs):
    """A layer's output, or its several outputs side by side."""
    return tf.concat(outputs, axis=-1) if isinstance(outputs, list) else outputs


def _check_config(layer):
    assert copy_of(layer).get_config() == layer.get_config()


def _check_fit(model, features):
    """Two steps of training change something. Tracing takes longer than they do."""
    before = [weights.copy() for weights in model.get_weights()]
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    model.fit(features, np.ones((len(features), 2)), batch_size=2, shuffle=False, verbose=0)
    first = model.layers[1].name
    assert any((old != new).any() for old, new in zip(before, model.get_weights(), strict=True)), first
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def _check_compiled(layer, features):
    """Compiled by XLA, in training, it gives the outputs, gradients and states that it gives else. The layer alone: to
    compile convolutions around it takes longer."""
    inputs = keras.Input(features.shape[1:])
    model = keras.Model(inputs, joined(layer(inputs)))
    before, found = model.get_weights(), []

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = model(x, training=True)
            loss = tf.reduce_mean((outputs - 1.0) ** 2)
        return outputs, *tape.gradient(loss, [x, *model.trainable_weights])

    for way in (step, tf.function(step, jit_compile=True, autograph=False)):
        model.set_weights(before)
        found.append([*way(tf.constant(features)), *model.weights])
    for expected, compiled in zip(*([tensor.numpy() for tensor in each] for each in found), strict=True):
        np.testing.assert_allclose(compiled, expected, rtol=1e-3, atol=1e-4)


def _check_saving(model, features, path):
    model.save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded(features), model(features))


def _check_mixed_precision(layer, shape, features):
    mixed = copy_of(layer, dtype="mixed_float16")
    if layer.weights:
        mixed.build((None, *shape))
        mixed.set_weights(layer.get_weights())
    outputs = joined(mixed(features.astype(np.float16)))
    assert outputs.dtype == "float16"
    assert all(weight.dtype == "float32" for weight in mixed.weights)
    np.testing.assert_allclose(outputs, joined(layer(features)), atol=0.02)
    model = model_around(copy_of(mixed), shape)
    _check_fit(model, features)
