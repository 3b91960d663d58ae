import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.bias_correction import logits_of, with_corrected_biases
from asc_tf.export.conversion import converted
from asc_tf.export.operators import AFFINE, BIAS, bias_integers, kind_of, own_bias, set_bias_integers

SHAPE = (8, 8, 1)


def network(shift=0.0, prefix=""):
    """Two convolutions with a ReLU between them; `shift` raises the bias of the first."""
    inputs = keras.Input(SHAPE)
    hidden = keras.layers.Conv2D(6, 3, activation="relu", name=f"{prefix}first")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1, name=f"{prefix}last")(hidden))
    model = keras.Model(inputs, outputs, name="network")
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    model.layers[1].bias.assign_add(np.full(6, shift, np.float32))
    return model


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(1).normal(size=(12, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def content(clips):
    return converted(network(), SHAPE, "int8", clips, float_input=False)


def test_every_channel_gets_the_mean_of_the_float_file(content, clips):
    """The float network has another bias before a ReLU: the means of the hidden and of the last channels follow it."""
    right = network(shift=0.3)
    expected = right(clips).numpy()
    corrected = with_corrected_biases(content, converted(right, SHAPE), clips)
    before, after = (np.abs((logits_of(file, clips) - expected).mean(axis=0)) for file in (content, corrected))
    assert before.max() > 0.2 and after.max() < 0.15 * before.max()
    spread = [np.std(logits_of(file, clips) - expected) for file in (content, corrected)]
    assert spread[1] < 0.5 * spread[0], "the first bias is corrected too, not only the last"


def test_a_file_without_the_names_of_the_float_file_or_without_8_bits_stays(content, clips):
    other = converted(network(prefix="other_"), SHAPE)
    assert with_corrected_biases(content, other, clips) is content
    assert with_corrected_biases(other, other, clips) is other


def test_operators_that_share_a_bias_are_corrected_apart(content):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    first, last = (each for each in model.subgraphs[0].operators if kind_of(model, each) in AFFINE)
    last.inputs = [*last.inputs[:BIAS], first.inputs[BIAS]]
    before = bias_integers(model, model.subgraphs[0].tensors[first.inputs[BIAS]])
    set_bias_integers(model, own_bias(model, first), before + 7)
    found = [bias_integers(model, model.subgraphs[0].tensors[each.inputs[BIAS]]) for each in (first, last)]
    np.testing.assert_array_equal(found, [before + 7, before])
