"""The 8-bit grid against numpy, its gradient, zeros that stay, ranges of feature maps, saving, refusals."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

import asc_tf.layers
from asc_tf.complexity.keras_account import keras_account
from asc_tf.compression.kernels import effective_kernels, kernels
from asc_tf.compression.pruning import prune, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.compression.quantizers import KernelQuantizer, QuantizedLayer, RangeQuantizer
from asc_tf.layers import StridedDepthwiseConv2D, SubSpectralNormalization
from asc_tf.training.seeding import set_seed

FEATURES = np.random.default_rng(0).normal(size=(8, 8, 10, 1)).astype(np.float32)
LABELS = np.arange(8) % 3


def network():
    """A kernel of each kind, with what folds into it, moves its outputs or stands for itself."""
    set_seed(0)
    inputs = keras.Input((8, 10, 1), name="features")
    x = keras.layers.Conv2D(8, 3, padding="same", name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = SubSpectralNormalization(2, name="ssn")(x)
    x = keras.layers.Activation("swish", name="swish")(x)
    x = keras.layers.MaxPooling2D((1, 2), name="pool")(x)
    x = StridedDepthwiseConv2D((3, 1), (2, 1), name="strided")(x)
    x = asc_tf.layers.ResidualNormalization(name="resnorm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="dense")(x), name="network")


def pruned_network():
    return strip_pruning(prune(network(), 0.5))


def trained(model, epochs=3, **way):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, 0.9), loss, **way)
    model.fit(FEATURES, LABELS, batch_size=4, epochs=epochs, verbose=0)
    return model


def on_grid(kernel, depthwise):
    """The grid of max |w| / 127 per output channel, in numpy."""
    channels = kernel.reshape(-1, np.prod(kernel.shape[2:]) if depthwise else kernel.shape[-1])
    rounded = np.zeros_like(channels)
    for channel, values in enumerate(channels.T):
        scale = np.abs(values).max() / np.float32(127)
        rounded[:, channel] = np.round(values / scale) * scale if scale else 0
    return rounded.reshape(kernel.shape)


@pytest.mark.parametrize(
    ("shape", "depthwise"), [((3, 3, 8, 6), False), ((40, 50, 4, 1), True), ((5, 1, 3, 2), True), ((12, 5), False)]
)
def test_kernels_are_rounded_to_the_grid_of_their_output_channel(shape, depthwise):
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=shape).astype(np.float32) * np.linspace(0.01, 3, shape[-1], dtype=np.float32)
    mask = (generator.uniform(size=shape) < 0.8).astype(np.float32)
    mask[..., 0, 0] = 0  # a channel that is pruned whole, if depthwise
    found = KernelQuantizer(depthwise)(tf.constant(kernel), True, {"mask": mask}).numpy()
    np.testing.assert_allclose(found, on_grid(kernel * mask, depthwise), rtol=1e-6, atol=0)
    for values in found.reshape(-1, np.prod(shape[2:]) if depthwise else shape[-1]).T:
        assert len(np.unique(values)) <= 255
    assert np.abs(found - kernel * mask).max() > 0 and not found[mask == 0].any()


def test_the_gradient_goes_straight_through_where_the_mask_is_one():
    kernel, upstream = (np.random.default_rng(i).normal(size=(3, 3, 2, 4)).astype(np.float32) for i in (0, 1))
    mask = (np.abs(kernel) > 0.5).astype(np.float32)
    variable = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        output = tf.reduce_sum(upstream * KernelQuantizer()(tf.convert_to_tensor(variable), True, {"mask": mask}))
    np.testing.assert_array_equal(tape.gradient(output, variable), upstream * mask)


def test_the_given_model_stays_and_shares_nothing():
    model = network()
    before = model.get_weights()
    quantized = trained(quantize(model), epochs=1, run_eagerly=True)
    variables = [id(weight) for each in (model, quantized, strip_quantization(quantized)) for weight in each.weights]
    assert len(variables) == len(set(variables))
    for found, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, old)


def test_only_kernels_are_wrapped_and_counted_in_eight_bits():
    model = network()
    quantized = quantize(model)
    names = {layer.layer.name for layer in quantized.layers if isinstance(layer, QuantizedLayer)}
    assert names == set(kernels(model)) == {"conv", "depthwise", "strided", "dense"}
    types = {(tensor.kind, tensor.dtype) for tensor in keras_account(quantized).parameters()}
    assert types == {("kernel", "int8"), ("bias", "float32"), ("norm", "float32"), ("statistic", "float32")}
    assert keras_account(quantized).operations() == keras_account(model).operations()
    assert len(quantized.trainable_weights) == len(model.trainable_weights)


@pytest.mark.slow
@pytest.mark.parametrize("activations", [False, True])
def test_pruned_weights_stay_zero_through_training_saving_and_loading(activations, tmp_path):
    sparse = pruned_network()
    zero = {name: kernel.numpy() == 0 for name, kernel in kernels(sparse).items()}
    quantized = trained(quantize(sparse, activations))
    quantized.save(tmp_path / "quantized.keras")
    loaded = keras.models.load_model(tmp_path / "quantized.keras")
    np.testing.assert_array_equal(loaded(FEATURES), quantized(FEATURES))
    trained(loaded, run_eagerly=True)
    for model in (quantized, loaded, strip_quantization(loaded)):
        for name, kernel in effective_kernels(model).items():
            assert not kernel[zero[name]].any() and np.count_nonzero(kernel) > 0.9 * np.sum(~zero[name]), name
    kept = sum(t.nonzeros for t in keras_account(loaded).parameters() if t.kind == "kernel")
    assert kept == sum(np.count_nonzero(kernel) for kernel in effective_kernels(loaded).values())
    assert any(
        (effective_kernels(loaded)[name] != kernel).any() for name, kernel in effective_kernels(quantized).items()
    )


def test_the_mask_holds_even_if_the_variable_drifts():
    """Weight decay, noise or an assignment may move the variable; what inference sees stays zero."""
    quantized = quantize(pruned_network())
    zeros = {name: kernel == 0 for name, kernel in effective_kernels(quantized).items()}
    for weight in quantized.trainable_weights:
        weight.assign(weight + 1.0)
    for name, kernel in effective_kernels(quantized).items():
        np.testing.assert_array_equal(kernel == 0, zeros[name])


def test_the_stripped_model_computes_the_same_with_kernels_on_their_grid():
    quantized = trained(quantize(pruned_network()), epochs=1, run_eagerly=True)
    plain = strip_quantization(quantized)
    np.testing.assert_allclose(plain(FEATURES), quantized(FEATURES), atol=1e-6)
    assert [type(layer) for layer in plain.layers] == [type(layer) for layer in network().layers]
    for layer in plain.layers:
        for weight in layer.weights:
            if weight.name.split("/")[-1] in ("kernel:0", "depthwise_kernel:0"):
                rounded = on_grid(weight.numpy(), "depthwise" in weight.name)
                np.testing.assert_allclose(weight.numpy(), rounded, rtol=1e-6)


def test_outputs_are_rounded_where_an_integer_runtime_holds_them():
    quantized = quantize(network(), activations=True)
    rounded = [
        layer.layer.name
        for layer in quantized.layers
        if isinstance(layer, QuantizedLayer) and layer.get_config()["output"]
    ]
    assert rounded == ["relu", "ssn", "swish", "strided", "resnorm", "mean", "dense"]


def test_a_calibrated_output_is_within_half_a_step():
    model = network()
    quantized = quantize(model, activations=True, calibration=FEATURES)
    expected = keras.Model(model.input, model.get_layer("relu").output)(FEATURES).numpy()
    weights_only = keras.Model(quantized.input, quantized.get_layer("quant_relu").input)(FEATURES).numpy()
    found = keras.Model(quantized.input, quantized.get_layer("quant_relu").output)(FEATURES).numpy()
    error = np.abs(found - np.maximum(weights_only, 0))
    within = weights_only < expected.max()
    step = expected.max() / 255
    assert len(np.unique(found)) <= 256 and 0.4 * step < error[within].max() < 0.51 * step


def test_ranges_begin_with_the_first_batch_and_follow():
    quantizer, layer = RangeQuantizer(momentum=0.5), keras.layers.Layer()
    state = quantizer.build((), "output", layer)
    features = tf.constant([0.03, 1.0, 4.0])
    np.testing.assert_array_equal(quantizer(features, False, state), features)
    quantizer(features, True, state)
    assert (float(state["min"]), float(state["max"])) == (0.0, 4.0)
    np.testing.assert_allclose(quantizer(features, False, state), np.round(features * 255 / 4) * 4 / 255, rtol=1e-5)
    quantizer(tf.constant([-1.0, 2.0]), True, state)
    assert (float(state["min"]), float(state["max"])) == (-0.5, 3.0)
    assert float(tf.reduce_max(quantizer(features, False, state))) == pytest.approx(3.0, abs=0.02)


TRANSLATORS = {"DeviceResponse", "SubSpectralInstanceNormalization"}  # the translator's own, which is not quantized


@pytest.mark.parametrize("name", sorted(set(asc_tf.layers.__all__) - TRANSLATORS - {"StridedDepthwiseConv2D"}))
def test_every_layer_of_ours_can_be_wrapped(name, tmp_path):
    arguments = {
        "GlobalFrequencyNormalization": {"mean": [0.5] * 8, "variance": [2.0] * 8},
    }
    set_seed(0)
    inputs = keras.Input((8, 10, 1))
    x = keras.layers.Conv2D(4, 1, name="conv")(inputs)
    layer = getattr(asc_tf.layers, name)(**arguments.get(name, {}), name="layer")
    outputs = layer([x, keras.layers.Conv2D(4, 1)(inputs)] if name == "LogMeanProbability" else x)
    model = keras.Model(inputs, outputs[1] if name == "ChannelSplit" else outputs)
    quantized = quantize(model, activations=True, calibration=FEATURES)
    wrapped = "quant_layer" in [each.name for each in quantized.layers]
    assert wrapped == (name not in ("ChannelShuffle", "ChannelSplit", "PixelShuffle"))
    scale = np.abs(model(FEATURES)).max()
    assert 0 < np.abs(quantized(FEATURES) - model(FEATURES)).max() < 0.03 * scale
    quantized.save(tmp_path / "quantized.keras")
    loaded = keras.models.load_model(tmp_path / "quantized.keras")
    np.testing.assert_array_equal(loaded(FEATURES), quantized(FEATURES))


def test_impossible_requests_are_refused():
    model = network()
    with pytest.raises(ValueError, match="calibration is of use only with activations=True"):
        quantize(model, calibration=FEATURES)
    with pytest.raises(ValueError, match="'quant_conv' is wrapped already; strip"):
        quantize(quantize(model))
    with pytest.raises(ValueError, match="'pruned_kernel_conv' is wrapped already; strip"):
        quantize(prune(model, 0.5))
    with pytest.raises(ValueError, match="'network' has no layer to strip of its QuantizedLayer"):
        strip_quantization(model)
