"""What asc_tf.internals.tf_keras does with names that are not public."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf.internals.tf_keras import build_metrics, calls, is_graph_of_layers, random_generators

VERSION = f"tf_keras {keras.__version__}"


@pytest.fixture
def model():
    """A dense layer that is called twice, and dropout between."""
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    outputs = shared(keras.layers.Dropout(0.5, name="dropout")(shared(inputs)))
    return keras.Model(inputs, outputs)


def test_calls_come_in_an_order_in_which_they_can_be_executed(model):
    found = [*calls(model)]
    assert [node.layer.name for node in found] == ["shared", "dropout", "shared"], f"{VERSION}: calls are not listed"
    known = {id(tensor) for tensor in model.inputs}
    for node in found:
        assert all(id(tensor) in known for tensor in node.keras_inputs), f"{VERSION}: nodes have other inputs"
        assert len(node.call_args) + len(node.call_kwargs) >= 1
        known |= {id(tensor) for tensor in tf.nest.flatten(node.outputs)}
    assert id(model.outputs[0]) in known


def test_a_model_of_known_calls_is_told_from_others(model):
    subclass = type("Subclass", (keras.Model,), {"call": lambda self, inputs: inputs})()
    sequential = keras.Sequential([keras.layers.Dense(2)])
    assert is_graph_of_layers(model), f"{VERSION}: a functional model does not say that it is one"
    assert not is_graph_of_layers(subclass) and not is_graph_of_layers(sequential)
    assert not is_graph_of_layers(model.layers[1])
    sequential.build((1, 3))
    assert is_graph_of_layers(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))


def test_dropout_shows_the_generator_it_draws_from(model):
    generators = random_generators(model)
    assert len(generators) == 1, f"{VERSION}: dropout keeps its generator elsewhere, and checkpoints lose it"
    kept = tf.train.Checkpoint(generators=generators)
    assert kept.generators[0] is generators[0], f"{VERSION}: checkpoints cannot hold a dropout's generator"


def test_metrics_have_their_variables_before_the_first_batch(model):
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics == []
    build_metrics(model, tf.zeros((1, 4)), tf.zeros((1, 4)))
    names = [metric.name for metric in model.metrics]
    assert names == ["loss", "mae"], f"{VERSION}: a compiled model makes its metrics another way"
    assert np.all([metric.result() == 0 for metric in model.metrics])
