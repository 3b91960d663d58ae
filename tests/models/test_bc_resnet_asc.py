import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from compression_checks import check_compression
from model_checks import as_in_training, check_standardization

from asc_tf.layers import ResidualNormalization
from asc_tf.models import bc_resnet_asc
from asc_tf.models.network_file import read_network
from asc_tf.training.seeding import set_seed

DEPTH = (2, 1, 1, 1)  # both kinds of block


@pytest.fixture(scope="module")
def deep():
    """As deep as the published network and as large as at 10 s, of c = 2 channels and without ResNorm."""
    return bc_resnet_asc((256, 334, 1), classes=1, width=2, norm_position="none")


@pytest.fixture(scope="module")
def small():
    """Function from settings to a network with one block a stage. Do not change it."""
    settings = {"classes": 4, "width": 4, "depth": (1, 1, 1, 1), "feature_mean": -5.0, "feature_std": 3.0}
    return functools.cache(lambda **more: bc_resnet_asc((32, 34, 1), **settings, **more))


def test_stages_have_the_shapes_of_table_1(deep):
    """Parameters are counted in tests/complexity."""
    names = ("stem", "stage1_block2_relu", "stage2_block2_relu", "stage3_block2_relu", "stage4_block3_relu")
    shapes = [deep.get_layer(name).output.shape[1:] for name in names]
    assert shapes == [(128, 167, 4), (128, 167, 2), (64, 83, 3), (32, 41, 4), (32, 41, 5)]


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"norm_position": "none"}, 0),
        ({"norm_position": "input"}, 1),
        ({"norm_position": "all", "learnable_lambda": True}, 5),
    ],
)
def test_number_of_residual_normalizations(small, settings, count):
    model = small(**settings)
    assert sum(isinstance(layer, ResidualNormalization) for layer in model.layers) == count
    lambdas = [weight.shape for weight in model.trainable_weights if "lambda" in weight.name]
    assert lambdas == ([()] * count if "learnable_lambda" in settings else []), "one parameter a module"


def test_input_is_standardized_by_the_given_statistics(small):
    check_standardization(small(norm_position="none"), -5.0, 3.0)


def test_logits_are_the_mean_of_the_classifiers_map(small):
    features = np.random.default_rng(0).normal(size=(2, 32, 34, 1)).astype(np.float32)
    model = small()
    maps = keras.Model(model.input, model.get_layer("classifier").output)(features)
    assert model(features).shape == (2, 4)
    np.testing.assert_allclose(model(features), maps.numpy().mean(axis=(1, 2)), atol=1e-6)


def test_receptive_field_is_109_frames_by_convolutions_and_115_with_the_pooling(deep):
    """A change of one input frame reaches the classifier's outputs within half a receptive field, no further."""
    # Means over frequency or time (ResNorm) see everything; over frequency there is one in each block, so only
    # time can be measured. All kernels positive and no dropout, so that nothing cancels.
    for layer in deep.layers:
        if "Conv" in type(layer).__name__:
            layer.set_weights([np.abs(weight) + 0.1 for weight in layer.get_weights()])
    maps = keras.Model(deep.input, deep.get_layer("classifier").output)
    features = tf.ones((1, 256, 334, 1))
    with tf.GradientTape() as tape:
        tape.watch(features)
        centre = tf.reduce_sum(maps(features)[:, :, 20])
    frames = np.flatnonzero(np.abs(tape.gradient(centre, features).numpy()).sum(axis=(0, 1, 3)))
    # On a constant input max-pooling passes the gradient to one of its two frames: the convolutions' share is left.
    assert frames[-1] - frames[0] + 1 <= 115
    assert frames[-1] - frames[0] + 1 >= 109


def test_model_is_flat_and_survives_saving(small, tmp_path):
    features = np.random.default_rng(0).normal(size=(2, 32, 34, 1)).astype(np.float32)
    model = small(norm_position="all", learnable_lambda=True)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    model.save(tmp_path / "model.keras")
    loaded = read_network(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))


@pytest.mark.slow
def test_network_is_pruned_and_quantized(tmp_path):
    set_seed(0)
    model = bc_resnet_asc((32, 34, 1), 3, 16, depth=DEPTH, dropout=0.0, feature_mean=1.0, feature_std=2.0)
    check_compression(as_in_training(model), np.arange(8) % 3, tmp_path)


@pytest.mark.slow
def test_fit_compiled_by_xla_learns_two_textures():
    set_seed(0)
    generator = np.random.default_rng(0)
    labels = np.arange(32) % 2
    features = generator.normal(0, 1, (32, 32, 34, 1)).astype(np.float32)
    features[labels == 1, ::2] *= 3
    model = bc_resnet_asc((32, 34, 1), classes=2, width=4, depth=(1, 1, 1, 1), norm_position="none")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05, 0.9), loss, jit_compile=True)
    history = model.fit(features, labels, batch_size=16, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_mixed_precision_computes_in_half_and_answers_in_full_precision(small):
    features = np.random.default_rng(0).normal(size=(4, 32, 34, 1)).astype(np.float32)
    full = small()
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = small.__wrapped__()  # built anew
    finally:
        keras.mixed_precision.set_global_policy("float32")
    mixed.set_weights(full.get_weights())
    assert mixed.get_layer("stage2_block1_relu").output.dtype == "float16"
    assert mixed(features).dtype == "float32"
    np.testing.assert_allclose(mixed(features), full(features), atol=0.02)
    optimizer = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(0.01))
    mixed.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    assert np.isfinite(mixed.fit(features, np.arange(4), verbose=0).history["loss"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norm_position": "both"}, "norm_position is 'both'"),
        ({"width": 7}, "width is 7"),
        ({"depth": (2, 2)}, r"depth is \(2, 2\); expected the number of blocks of each of 4 stages"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
        ({"input_shape": (256, 4, 1)}, "at least 8"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bc_resnet_asc(**arguments)
