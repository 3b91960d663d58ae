"""What every network must stand: training, compression, saving; its .tflite file: export/test_converted_networks."""

import numpy as np
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from compression_checks import check_compression

from asc_tf.export import conversion


def trainable_parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def convolution_macs(model):
    """Multiply-accumulates of the convolutions, biases apart: each kernel weight once for each place of the output."""
    convolutions = [layer for layer in model.layers if "Conv" in type(layer).__name__]
    return sum(layer.get_weights()[0].size * int(np.prod(layer.output.shape[1:3])) for layer in convolutions)


def check_network(model, folder):
    """Flat, trainable, compressible and savable, with normalizations as in the middle of training."""
    generator = np.random.default_rng(0)
    _unsettle_normalizations(model, generator)
    features = generator.normal(0, 1, (8, *model.input_shape[1:])).astype(np.float32)
    features *= np.linspace(0.2, 5, 8, dtype=np.float32).reshape(8, 1, 1, 1)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    labels = generator.integers(0, model.output_shape[1], 8)
    check_training_step(model, features, labels)
    expected = model(features, training=False).numpy()
    assert expected.dtype == np.float32 and np.isfinite(expected).all() and np.ptp(expected, axis=0).min() > 0.05
    check_compression(model, labels, folder)


def check_standardization(model, mean, std):
    """What follows the standardization takes the features less `mean`, divided by `std`, and no others."""
    features = np.random.default_rng(0).normal(mean, std, (2, *model.input_shape[1:])).astype(np.float32)
    rest = keras.Model(model.get_layer("standardize").output, model.output)
    expected = rest((features - mean) / std).numpy()
    np.testing.assert_allclose(model(features), expected, atol=1e-3 * np.ptp(expected, axis=0).max())


def as_in_training(model):
    """The model, its normalizations as in the middle of training, for checks that need no more than that."""
    generator = np.random.default_rng(0)
    _unsettle_normalizations(model, generator)
    model(generator.normal(0, 1, (8, *model.input_shape[1:])).astype(np.float32), training=True)
    return model


def _unsettle_normalizations(model, generator):
    """As initialized, beta = 0 takes the gradient off gammas that a further normalization divides out again, and the
    moving statistics let signals fade from layer to layer until any two files agree."""
    for layer in model.layers:
        if hasattr(layer, "moving_variance"):
            layer.beta.assign(generator.normal(0, 0.3, layer.beta.shape))
            layer.momentum = 0.0


def check_training_step(model, features, labels):
    before = [weight.numpy() for weight in model.trainable_weights]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)  # tracing takes ten times as long
    model.train_on_batch(features, labels)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.isfinite(weight.numpy()).all() and (weight.numpy() != old).any(), weight.name


def converted(model):
    """The .tflite file of a Keras model or layer stack for one example; fails where an operator is not built in."""
    content = conversion.converted(model, model.input_shape[1:])
    parsed = schema.Model.GetRootAs(content, 0)
    codes = [parsed.OperatorCodes(i) for i in range(parsed.OperatorCodesLength())]
    assert all(code.BuiltinCode() != schema.BuiltinOperator.CUSTOM and code.CustomCode() is None for code in codes)
    return content


def run_tflite(content, examples):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for example in examples:
        interpreter.set_tensor(taken["index"], example[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(given["index"])[0])
    return np.stack(outputs)
