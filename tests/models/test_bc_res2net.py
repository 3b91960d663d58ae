import functools

import numpy as np
import pytest
import tf_keras as keras
from compression_checks import check_compression
from model_checks import as_in_training, check_standardization

from asc_tf.layers import ResidualNormalization
from asc_tf.models.bc_res2net import bc_res2net
from asc_tf.training.seeding import set_seed

SMALL = (32, 34, 1)  # 17, 9 and 5 frames: the pyramid has to cut what doubling gives too much
DEPTH = (2, 1, 1, 1)  # both kinds of block
TRAINED = {"classes": 4, "width": 16, "scale": 2, "mfa": True, "fpm": True, "depth": DEPTH}


def trainable_parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def macs(model):
    """Multiply-accumulates of convolutions and dense layers: a kernel's size times the positions of the output."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            total += layer.get_weights()[0].size * int(np.prod(layer.output.shape[1:3]))
        elif isinstance(layer, keras.layers.Dense):
            total += layer.get_weights()[0].size
    return total


@pytest.fixture(scope="module")
def network():
    """Function from variant to the network of width 40, 256 x 32."""
    return functools.cache(lambda **variant: bc_res2net(**variant))


@pytest.fixture(scope="module")
def counts(network):
    """Function from variant to its (parameters, MACs)."""

    def counts(**variant):
        model = network(**variant)
        return trainable_parameters(model), macs(model)

    return counts


# The paper's Table 2 with its rows "w/ MFA" and "w/ FPM" exchanged: see bc_res2net.
TABLE_2 = {"plain": (85.8e3, 15.89e6), "mfa": (93.6e3, 17.06e6), "fpm": (123.6e3, 17.45e6), "both": (126.6e3, 26.76e6)}
VARIANTS = {"plain": {}, "mfa": {"mfa": True}, "fpm": {"fpm": True}, "both": {"mfa": True, "fpm": True}}


@pytest.mark.parametrize(
    ("variant", "parameters", "multiplications"),
    [
        pytest.param("plain", 85_840, 15_757_060, marks=pytest.mark.slow),
        pytest.param("mfa", 93_590, 16_923_780, marks=pytest.mark.slow),
        pytest.param("fpm", 118_840, 25_588_380, marks=pytest.mark.slow),
        ("both", 126_590, 26_755_100),
    ],
)
def test_counts_beside_those_of_table_2(counts, variant, parameters, multiplications):
    found = counts(**VARIANTS[variant])
    assert found == (parameters, multiplications)
    printed_parameters, printed_macs = TABLE_2[variant]
    assert parameters == pytest.approx(printed_parameters, rel=0.04 if variant == "fpm" else 1e-3)
    if variant != "fpm":
        assert multiplications == pytest.approx(printed_macs, rel=0.01)


@pytest.mark.slow
def test_the_pyramid_costs_what_lies_between_the_last_rows_of_table_2(counts):
    """9.70M MACs; the linear layer on the stage 4 map instead of its mean explains the rest to 0.1 %."""
    pyramid = counts(mfa=True, fpm=True)[1] - counts(mfa=True)[1]
    before_averaging = 100 * 10 * (32 * 4 - 1)
    assert pyramid - before_averaging == pytest.approx(26.76e6 - 17.06e6, rel=1e-3)


@pytest.mark.parametrize(
    ("frames", "width", "sizes"),
    [(32, 40, [16, 16, 8, 4, 4]), pytest.param(334, 8, [167, 167, 84, 42, 42], marks=pytest.mark.slow)],
)
def test_maps_have_the_sizes_of_table_1(network, frames, width, sizes):
    if width == 40:
        model = network(mfa=True, fpm=True)
    else:
        model = bc_res2net((256, frames, 1), width=width, depth=(1, 1, 1, 1), mfa=True, fpm=True)
    names = ["stem_mfa_concat", *(f"stage{stage}_mfa_concat" for stage in (1, 2, 3, 4))]
    found = [model.get_layer(name).output.shape[1:] for name in names]
    channels = [factor * width // 2 for factor in (4, 2, 3, 4, 5)]
    assert found == list(zip([128, 128, 64, 32, 32], sizes, channels, strict=True))
    assert model.get_layer("fpm_stage1_smooth_relu").output.shape[1:] == (128, sizes[1], width)
    assert model.get_layer("fpm_concat").output.shape[1:] == (4 * width,)
    assert model.output.shape == (None, 10)


@pytest.fixture(scope="module")
def small():
    """Function from the place of the normalizations to a network with one block a stage. Do not change it."""
    settings = {"width": 4, "scale": 2, "depth": (1, 1, 1, 1), "lambda_": 0.2, "feature_mean": -5.0, "feature_std": 3.0}
    return functools.cache(lambda norm_position: bc_res2net(SMALL, norm_position=norm_position, **settings))


@pytest.mark.parametrize(("norm_position", "count"), [("none", 0), ("input", 1), ("stages", 4), ("all", 5)])
def test_number_of_residual_normalizations(small, norm_position, count):
    model = small(norm_position)
    layers = [layer for layer in model.layers if isinstance(layer, ResidualNormalization)]
    assert len(layers) == count and all(layer.lambda_ == 0.2 for layer in layers)


def test_input_is_standardized_by_the_given_statistics(small):
    check_standardization(small("none"), -5.0, 3.0)


@pytest.fixture(scope="module")
def trained():
    """A small model with MFA and FPM after one step of training; its weights before; features."""
    set_seed(0)
    features = np.random.default_rng(0).normal(size=(8, *SMALL)).astype(np.float32)
    model = as_in_training(bc_res2net(SMALL, dropout=0.0, **TRAINED))
    before = {weight.name: weight.numpy() for weight in model.trainable_weights}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, run_eagerly=True)  # tracing takes ten times as long
    model.fit(features, np.arange(8) % 4, batch_size=8, verbose=0)
    return model, before, features


@pytest.mark.slow
def test_a_training_step_changes_all_trainable_weights(trained):
    model, before, _ = trained
    assert len(before) == len(model.trainable_weights) > 120
    unchanged = [weight.name for weight in model.trainable_weights if (weight.numpy() == before[weight.name]).all()]
    assert unchanged == []
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
def test_model_is_flat_compresses_and_survives_saving(trained, tmp_path):
    model = trained[0]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    check_compression(model, np.arange(8) % 3, tmp_path)


@pytest.mark.slow
def test_mixed_precision_computes_in_half_and_answers_in_full_precision(trained):
    full, _, features = trained
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = bc_res2net(SMALL, **TRAINED)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    mixed.set_weights(full.get_weights())
    assert mixed.get_layer("stage2_mfa_concat").output.dtype == "float16"
    assert mixed(features).dtype == "float32"
    np.testing.assert_allclose(mixed(features), full(features), atol=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norm_position": "both"}, "norm_position is 'both'; expected one of none, input, stages, all"),
        ({"width": 12}, "width is 12; expected a positive multiple of 2 \\* scale = 8"),
        ({"width": 0}, "width is 0"),
        ({"scale": 1}, "scale is 1; expected 2"),
        ({"depth": (2, 2)}, r"depth is \(2, 2\); expected the number of blocks of each of 4 stages"),
        ({"feature_std": 0.0}, "feature_std is 0.0"),
        ({"input_shape": (256, 4, 1)}, "at least 8"),
        ({"input_shape": (40, 32, 1)}, "expected a multiple of sub_bands = 4"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bc_res2net(**{"width": 8, **arguments})
