import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.bias_correction import logits_of
from asc_tf.export.conversion import converted
from asc_tf.export.narrowed_ranges import with_narrowed_ranges
from asc_tf.export.operators import kind_of

SHAPE = (8, 64, 1)


def network():
    """Its ReLU's map passes a pooling and a concatenation, of one scale, to a convolution and to a product."""
    inputs = keras.Input(SHAPE)
    hidden = keras.layers.Conv2D(4, 1, activation="relu")(inputs)
    pooled = keras.layers.MaxPooling2D((1, 2))(hidden)
    joined = keras.layers.Concatenate()([pooled, pooled])
    squared = keras.layers.Multiply()([joined, joined])
    outputs = keras.layers.Add()([keras.layers.Conv2D(8, 1)(joined), squared])
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(outputs))
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def clips():
    """Of Laplace's distribution: the largest of 6,144 values is some seven standard deviations."""
    return np.random.default_rng(1).laplace(size=(12, *SHAPE)).astype(np.float32)


def model_of(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def scales_of(content):
    scales = [tensor.quantization and tensor.quantization.scale for tensor in model_of(content).subgraphs[0].tensors]
    return [None if each is None else list(each) for each in scales]


def test_rare_large_values_do_not_cost_the_others_their_precision(clips):
    model = network()
    content = converted(model, SHAPE, "int8", clips, float_input=False)
    narrowed = with_narrowed_ranges(content, clips)
    expected = model(clips).numpy()
    before, after = (np.sqrt(np.mean((logits_of(each, clips) - expected) ** 2)) for each in (content, narrowed))
    assert after < 0.9 * before
    models = [model_of(each) for each in (content, narrowed)]
    old, new = (model.subgraphs[0] for model in models)
    kinds = [[kind_of(model, operator) for operator in model.subgraphs[0].operators] for model in models]
    assert kinds[0] == kinds[1]
    for index in (*old.inputs, *old.outputs):
        assert old.tensors[index].quantization.scale == new.tensors[index].quantization.scale


def test_maps_without_rare_values_and_float_files_stay():
    """Values on a line fill their range evenly: nothing is gained by cutting any off."""
    even = np.linspace(-1, 1, 512, dtype=np.float32).reshape(1, *SHAPE)
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(keras.layers.Conv2D(1, 1)(inputs)))
    model.set_weights([np.ones(weight.shape) for weight in model.get_weights()])
    content = converted(model, SHAPE, "int8", even, float_input=False)
    assert scales_of(content) == scales_of(with_narrowed_ranges(content, even))
    plain = converted(model, SHAPE)
    assert with_narrowed_ranges(plain, even) is plain
