import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter
from small_networks import SHALLOW, features_for, unsettled, unsettled_network

from asc_tf.export.conversion import converted
from asc_tf.export.deployment import deployment_graph
from asc_tf.export.integer_norms import with_integer_norms
from asc_tf.layers import FrequencyInstanceNormalization, RelaxedInstanceFrequencyNormalization, ResidualNormalization
from asc_tf.layers.integer_frequency_norm import IntegerFrequencyNormalization
from asc_tf.models import bc_res2net

SHAPE = (6, 20, 3)
NORMS = {
    "freqin": FrequencyInstanceNormalization,
    "resnorm": lambda: ResidualNormalization(0.3),
    "learnable": lambda: ResidualNormalization(0.2, learnable="scalar"),
    "learnable by bin": lambda: ResidualNormalization(0.2, learnable="bin"),
    "rfn": lambda: RelaxedInstanceFrequencyNormalization(0.4),
}


def features(mean=0.5, clips=5):
    generator = np.random.default_rng(1)
    deviations = np.linspace(0.5, 2, SHAPE[0])[:, np.newaxis, np.newaxis]
    return (mean + deviations * generator.normal(0, 1, (clips, *SHAPE))).astype(np.float32)


def network(norm):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, norm(inputs))
    if norm.weights:
        norm.set_weights([np.random.default_rng(2).uniform(0, 0.5, norm.weights[0].shape)])
    return model


@pytest.mark.parametrize("mean, centred", [(0.5, False), (-8.0, True)])
@pytest.mark.parametrize("name", NORMS)
def test_it_computes_what_the_trained_layer_does(name, mean, centred):
    model = network(NORMS[name]())
    examples = features(mean)
    deployed = with_integer_norms(model, examples)
    assert type(deployed.layers[1]) is IntegerFrequencyNormalization and deployed.layers[1].centred == centred
    assert deployed.layers[1].name == model.layers[1].name
    np.testing.assert_allclose(deployed(examples), model(examples), rtol=1e-4, atol=1e-4)


def test_a_bin_without_variance_is_divided_by_the_floor():
    examples = features()
    silent = examples.copy()
    silent[:, 0] = 0.25
    silent[0, 0, 0, 0] += 0.1
    deployed = with_integer_norms(network(ResidualNormalization(0.0)), examples)
    layer = deployed.layers[1]
    variances = examples.var(axis=(2, 3))
    assert layer.floor == pytest.approx(variances.max() / 256, rel=1e-4)
    expected = (silent[:, 0] - silent[:, 0].mean(axis=(1, 2), keepdims=True)) / np.sqrt(layer.floor)
    np.testing.assert_allclose(deployed(silent)[:, 0], expected, atol=1e-4)


def test_a_network_without_such_normalizations_is_handed_back():
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.ReLU()(inputs))
    assert with_integer_norms(model, features()) is model


def wide_res2net():
    """Wide enough that no bin is silent in any clip; the variance of such a bin would be below the floor."""
    return bc_res2net((32, 34, 1), width=8, scale=2, mfa=True, **SHALLOW)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build", [lambda: unsettled_network("asc"), lambda: unsettled(wide_res2net())], ids=["asc", "res2net"]
)
def test_whole_networks_keep_their_logits_and_their_names(build):
    model = build()
    graph = deployment_graph(model)
    examples = features_for(model, 8)
    before = graph.get_weights()
    deployed = with_integer_norms(graph, examples)
    assert [layer.name for layer in deployed.layers] == [layer.name for layer in graph.layers]
    assert any(isinstance(layer, IntegerFrequencyNormalization) for layer in deployed.layers)
    np.testing.assert_allclose(deployed(examples), graph(examples), rtol=0, atol=1e-3)
    for now, then in zip(graph.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def in_eight_bits(model, examples):
    interpreter = Interpreter(model_content=converted(model, SHAPE, "int8", examples), num_threads=1)
    interpreter.allocate_tensors()
    outputs = []
    for example in examples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(outputs)


def test_eight_bits_keep_the_variance_of_maps_with_rare_large_values():
    """As behind the networks' ReLUs: the squares of most values are below half a step of an 8-bit map of squares."""
    generator = np.random.default_rng(3)
    examples = np.maximum(generator.normal(0, 1, (20, *SHAPE)), 0).astype(np.float32)
    examples[:, :, 0, 0] *= 15
    model = network(ResidualNormalization(0.1))
    expected = model(examples).numpy()
    error = {
        name: np.sqrt(np.mean((in_eight_bits(kind, examples) - expected) ** 2)) / expected.std()
        for name, kind in (("integer", with_integer_norms(model, examples)), ("trained", model))
    }
    assert error["integer"] < 0.1 and error["trained"] > 2 * error["integer"]


def test_it_is_saved_and_loaded(tmp_path):
    examples = features()
    deployed = with_integer_norms(network(NORMS["rfn"]()), examples)
    deployed.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(examples), deployed(examples))
