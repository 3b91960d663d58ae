"""Exact numbers of kept weights, masks that stay, gradual pruning, saving, refusals."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.complexity.keras_account import keras_account
from asc_tf.compression.half_precision import round_to_half
from asc_tf.compression.kernels import effective_kernels, kernels
from asc_tf.compression.pruning import prune, prune_gradually, strip_pruning
from asc_tf.layers import StridedDepthwiseConv2D
from asc_tf.models import bc_resnet_asc
from asc_tf.training.seeding import set_seed

FEATURES = np.random.default_rng(0).normal(size=(8, 8, 10, 1)).astype(np.float32)
LABELS = np.arange(8) % 3


def network():
    """One layer of each kind that has a kernel, an unlucky one of tiny weights among them."""
    set_seed(0)
    inputs = keras.Input((8, 10, 1))
    x = keras.layers.Conv2D(8, 3, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = StridedDepthwiseConv2D((3, 1), (2, 1), name="strided")(x)
    x = keras.layers.Conv2D(10, 1, name="tiny")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="dense")(x), name="network")
    tiny = model.get_layer("tiny").kernel
    tiny.assign(tiny * 1e-3)
    return model


def trained(model, optimizer=None, epochs=3, **kwargs):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or keras.optimizers.SGD(0.1, 0.9), loss, **kwargs)
    model.fit(FEATURES, LABELS, batch_size=4, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def asc_8():
    set_seed(0)
    return bc_resnet_asc((32, 34, 1), width=80)


@pytest.mark.slow
def test_the_papers_61_kilobytes(asc_8):
    """60.9 KB by the count: 33,035 kernel weights of one byte, 14,650 others of two."""
    pruned = prune(asc_8, 0.89)
    for model in (pruned, strip_pruning(pruned)):
        parameters = [tensor for tensor in keras_account(model).parameters() if tensor.trainable]
        kept = sum(tensor.nonzeros for tensor in parameters if tensor.kind == "kernel")
        others = sum(tensor.count for tensor in parameters if tensor.kind != "kernel")
        assert kept + 2 * others == 62_335


@pytest.mark.slow
def test_the_papers_122_kilobytes_of_submission_4(asc_8):
    """Printed: 122.5 KB, 48.0k weights of convolutions and 14.7k others, 63k in all, everything in 16 bits."""
    model = strip_pruning(prune(asc_8, 0.84))
    for weight in model.trainable_weights:
        if "kernel" not in weight.name:
            weight.assign(weight + 0.5)  # before training, shifts are zero
    round_to_half(model, kernels=True)
    account = keras_account(model).with_types({"rest": "float16"})
    parameters = [tensor for tensor in account.parameters() if tensor.kind != "statistic"]
    kept = {
        kind: sum(tensor.nonzeros for tensor in parameters if (tensor.kind == "kernel") == (kind == "kernel"))
        for kind in ("kernel", "other")
    }
    assert kept == {"kernel": 48_051, "other": 14_650}
    total = sum(tensor.nonzero_bytes for tensor in parameters)
    assert (total, round(total / 1024, 1)) == (125_402, 122.5)


def test_scopes():
    model = network()
    sizes = {name: np.abs(kernel.numpy()) for name, kernel in kernels(model).items()}
    kept = {scope: effective_kernels(prune(model, 0.6, scope, floor=0)) for scope in ("connected", "global", "layer")}
    total = sum(size.size for size in sizes.values())
    for scope in ("connected", "global"):
        assert sum(map(np.count_nonzero, kept[scope].values())) == round(0.4 * total)
    largest = np.sort(np.concatenate([size.reshape(-1) for size in sizes.values()]))[-round(0.4 * total) :]
    for name, size in sizes.items():
        assert np.count_nonzero(kept["layer"][name]) == round(0.4 * size.size)
        if name != "tiny":  # of which one weight is kept in any case
            np.testing.assert_array_equal(kept["global"][name] != 0, size > largest[0])


def test_the_floor_keeps_a_layer_of_tiny_weights_alive():
    model = network()
    shares = {
        floor: np.count_nonzero(effective_kernels(prune(model, 0.6, "global", floor))["tiny"])
        for floor in (0.0, 0.02, 0.3)
    }
    assert shares == {0.0: 1, 0.02: 2, 0.3: 24}  # of 80
    assert np.count_nonzero(effective_kernels(prune(model, 0.6, floor=0.3))["tiny"]) == 24


def test_each_layer_keeps_its_share():
    found = effective_kernels(prune(network(), 0.75, scope="layer"))
    assert {name: np.count_nonzero(kernel) for name, kernel in found.items()} == {
        "conv": 18, "depthwise": 18, "strided": 6, "tiny": 20, "dense": 8
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.SGD(0.1, 0.9), keras.optimizers.Adam(0.01, weight_decay=0.1)], ids=["sgd", "adam"]
)
def test_masks_stay_through_training_with_momentum(optimizer):
    pruned = prune(network(), 0.6)
    before = effective_kernels(pruned)
    trained(pruned, optimizer)
    stripped = strip_pruning(pruned)
    for name, kernel in kernels(stripped).items():
        np.testing.assert_array_equal(kernel.numpy() != 0, before[name] != 0)
        assert (kernel.numpy() != before[name]).any(), name
    np.testing.assert_allclose(stripped(FEATURES), pruned(FEATURES), atol=1e-6)
    assert [layer.name for layer in stripped.layers[1:]] == [layer.name for layer in network().layers[1:]]


def test_the_given_model_stays_and_shares_nothing():
    model = network()
    before = model.get_weights()
    pruned = trained(prune(model, 0.6), epochs=1, run_eagerly=True)
    stripped = strip_pruning(pruned)
    for weight in stripped.weights:
        weight.assign(weight + 1.0)
    for found, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, old)
    assert not {id(weight) for weight in pruned.weights} & {
        id(weight) for weight in (*model.weights, *stripped.weights)
    }


def test_a_pruned_model_survives_saving(tmp_path):
    pruned = trained(prune(network(), 0.6), epochs=1, run_eagerly=True)
    pruned.save(tmp_path / "pruned.keras")
    loaded = keras.models.load_model(tmp_path / "pruned.keras")
    before = effective_kernels(pruned)
    np.testing.assert_array_equal(loaded(FEATURES), pruned(FEATURES))
    trained(loaded, epochs=1, run_eagerly=True)
    for name, kernel in effective_kernels(loaded).items():
        assert not kernel[before[name] == 0].any() and (kernel != before[name]).any()


@pytest.mark.slow
def test_gradual_pruning_reaches_its_ratio_by_the_polynomial():
    pruned = prune_gradually(network(), 0.8, begin_step=2, end_step=8, initial_ratio=0.2, frequency=2)
    found = {}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found[len(found) + 1] = np.count_nonzero(effective_kernels(pruned)["depthwise"])

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    pruned.compile(keras.optimizers.SGD(0.01), loss)
    pruned.fit(FEATURES, LABELS, batch_size=1, epochs=2, verbose=0, callbacks=[Watch()])
    expected = {step: round(72 * (0.2 + 0.6 * ((8 - step) / 6) ** 3)) for step in (2, 4, 6, 8)}
    assert {step: found[step] for step in expected} == expected == {2: 58, 4: 27, 6: 16, 8: 14}
    assert found[1] == 72 and set(list(found.values())[8:]) == {14}
    kept = {name: np.count_nonzero(kernel) for name, kernel in kernels(strip_pruning(pruned)).items()}
    assert kept == {"conv": 14, "depthwise": 14, "strided": 5, "tiny": 16, "dense": 6}


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, float("nan")])
def test_ratios_out_of_range_are_refused(ratio):
    with pytest.raises(ValueError, match=f"^ratio is {ratio}; expected 0 up to but not including 1$"):
        prune(network(), ratio)
    with pytest.raises(ValueError, match="ratio is"):
        prune_gradually(network(), ratio, 0, 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scope": "network"}, "scope is 'network'; expected one of connected, global, layer"),
        ({"floor": 0.5}, "floor is 0.5; expected 0 up to 1 - ratio = 0.4"),
        ({"floor": -0.1}, "floor is -0.1"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        prune(network(), 0.6, **arguments)


@pytest.mark.parametrize(("begin", "end", "frequency"), [(5, 5, 1), (-1, 5, 1), (0, 10, 3), (0, 10, 0)])
def test_steps_that_do_not_fit_are_refused(begin, end, frequency):
    with pytest.raises(ValueError, match="expected"):
        prune_gradually(network(), 0.5, begin, end, frequency=frequency)


def test_models_that_cannot_be_pruned_are_refused():
    inputs = keras.Input((8, 10, 1))
    with pytest.raises(ValueError, match="no convolution or dense layer"):
        prune(keras.Model(inputs, keras.layers.ReLU()(inputs)), 0.5)
    with pytest.raises(ValueError, match="'up' .Conv2DTranspose. cannot be compressed"):
        prune(keras.Model(inputs, keras.layers.Conv2DTranspose(2, 3, name="up")(inputs)), 0.5)
    with pytest.raises(ValueError, match="'network' .Functional. cannot be compressed; expected a flat model"):
        prune(keras.Model(inputs, network()(inputs)), 0.5)
    with pytest.raises(ValueError, match="'pruned_kernel_conv' is wrapped already"):
        prune(prune(network(), 0.5), 0.5)
    with pytest.raises(ValueError, match="expected a functional Keras model"):
        prune(tf.Module(), 0.5)
    with pytest.raises(ValueError, match="'network' has no layer to strip of its PrunedKernel"):
        strip_pruning(network())
