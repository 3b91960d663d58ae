"""What every network must stand of compression: pruning, both kinds of quantization-aware training, and the chain."""

import numpy as np
import tf_keras as keras

from asc_tf.compression.kernels import effective_kernels
from asc_tf.compression.pruning import prune, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.compression.quantizers import QuantizedLayer
from asc_tf.models.network_file import read_network

# Root mean square of what rounding changes, as a share of what tells one clip's logits from another's. Rounded feature
# maps add about 1 % of noise a layer. These networks are untrained, narrow and half pruned. Measured: up to 0.24
# (kernels, four seeds) and 0.3.
KERNELS_ERROR, ALL_ERROR = 0.4, 0.6


def check_compression(model, labels, folder):
    """prune -> train -> strip -> quantize kernels and maps -> train -> strip -> save -> read; `model` stays."""
    features = _distinct_features(len(labels), model.input_shape[1:])
    before = model.get_weights()
    pruned = prune(model, 0.5)
    masks = {name: kernel != 0 for name, kernel in effective_kernels(pruned).items()}
    kept, total = (sum(np.sum(f(mask)) for mask in masks.values()) for f in (np.count_nonzero, np.size))
    assert kept == round(total / 2)
    _check_step(pruned, features, labels, masks)
    sparse = strip_pruning(pruned)

    quantized = quantize(sparse, activations=True, calibration=features)
    assert 0 < _error(quantized, sparse, features) < ALL_ERROR
    _forget_ranges(quantized)  # kernels alone are rounded
    assert 0 < _error(quantized, sparse, features) < KERNELS_ERROR
    _check_step(quantized, features, labels, masks)
    _forget_ranges(quantized)
    plain = strip_quantization(quantized)
    expected = _outputs(quantized, features)
    np.testing.assert_allclose(_outputs(plain, features), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    plain.save(folder / "compressed.keras")
    loaded = read_network(folder / "compressed.keras")
    np.testing.assert_array_equal(_outputs(loaded, features), _outputs(plain, features))
    assert {layer.name for layer in loaded.layers} == {layer.name for layer in model.layers}
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def _forget_ranges(quantized):
    """As before the first batch of training, until which feature maps are not rounded."""
    for layer in quantized.layers:
        if isinstance(layer, QuantizedLayer) and layer.get_config()["output"]:
            layer.set_range(0, 0)


def _distinct_features(clips, shape):
    """Ripples over frequency and time that differ from clip to clip, in noise."""
    generator = np.random.default_rng(0)
    frequency, time = (np.linspace(0, 2 * np.pi, length) for length in shape[:2])
    slopes = generator.uniform(-4, 4, (2, clips, 1, 1))
    phases = slopes[0] * frequency[:, np.newaxis] + slopes[1] * time
    ripples = 2 * np.sin(phases)[..., np.newaxis]
    return (ripples + generator.normal(size=(clips, *shape))).astype(np.float32)


def _outputs(model, features):
    return model(features, training=False).numpy()


def _error(wrapped, plain, features):
    expected = _outputs(plain, features)
    error = _outputs(wrapped, features) - expected
    return np.sqrt(np.mean(error**2) / np.mean((expected - expected.mean(axis=0)) ** 2))


def _check_step(wrapped, features, labels, masks):
    """A step of training changes something in every kernel, and nothing that is pruned."""
    before = effective_kernels(wrapped)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    wrapped.compile(keras.optimizers.SGD(0.01, 0.9), loss, run_eagerly=True)  # tracing takes ten times as long
    assert np.isfinite(wrapped.train_on_batch(features, labels))
    after = effective_kernels(wrapped)
    assert after.keys() == before.keys() == masks.keys()
    for name, mask in masks.items():
        assert np.isfinite(after[name]).all() and (after[name] != before[name]).any(), name
        assert not after[name][~mask].any() and not before[name][~mask].any(), name
