"""What layers say of themselves; what is made of it stands in the tests of compression and export."""

import numpy as np
import pytest
import tf_keras as keras

import asc_tf.layers
from asc_tf.compression.pruning import prune
from asc_tf.compression.quantization import quantize
from asc_tf.compression.quantizers import QuantizedLayer
from asc_tf.export.deployment import deployment_graph
from asc_tf.layers import contract

OURS = [getattr(asc_tf.layers, name) for name in asc_tf.layers.__all__]


class Silent(keras.layers.Layer):
    """Says nothing of itself."""

    def call(self, inputs):
        return inputs * 1.0


class Doubled(Silent):
    """A normalization from outside the package, at inference a scale of two and a shift of one."""

    channel_paths = contract.OWN

    def call(self, inputs):
        return 2 * inputs + 1

    def inference_affine(self):
        channels = self.input.shape[-1]
        return np.full(channels, 2.0), np.full(channels, 1.0)


class DoubledLowBins(Doubled):
    """In two sub-bands."""

    def call(self, inputs):
        half = inputs.shape[1] // 2
        return keras.backend.concatenate([2 * inputs[:, :half] + 1, inputs[:, half:]], axis=1)

    def inference_affine(self):
        channels = self.input.shape[-1]
        return np.array([[2.0] * channels, [1.0] * channels]), np.array([[1.0] * channels, [0.0] * channels])


class Noise(Silent):
    identity_at_inference = True
    moves_numbers = True


def network(*layers):
    inputs = x = keras.Input((8, 6, 2))
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize("kind", OURS)
def test_our_layers_all_say_how_their_channels_depend(kind):
    assert contract.channel_paths(kind.__new__(kind)) in (
        contract.OWN, contract.ALL, contract.SUM, contract.ADD, contract.AVERAGE,
    )  # fmt: skip


def test_a_layer_that_does_not_say_is_named():
    model = network(keras.layers.Conv2D(3, 1), Silent(name="silent"), keras.layers.Conv2D(3, 1))
    with pytest.raises(ValueError, match=r"'silent' \(Silent\) does not say how its channels depend .* channel_paths"):
        prune(model, 0.5)
    assert prune(model, 0.5, scope="global").layers[2].name == "silent", "no paths are counted"


@pytest.mark.parametrize(
    ("convolution", "normalization", "folded"),
    [
        (keras.layers.Conv2D(3, 3), Doubled, True),
        (keras.layers.DepthwiseConv2D(3, padding="same"), Doubled, True),
        (keras.layers.DepthwiseConv2D(3, padding="same"), DoubledLowBins, True),
        (keras.layers.Conv2D(3, 3), DoubledLowBins, False),
        (keras.layers.Conv2D(3, 3, activation="relu"), Doubled, False),
    ],
)
def test_a_normalization_from_outside_is_folded_where_the_convolution_can_take_it(convolution, normalization, folded):
    model = network(convolution.from_config(convolution.get_config()), normalization(name="norm"), Noise(name="noise"))
    graph = deployment_graph(model)
    kinds = {layer.name: type(layer).__name__ for layer in graph.layers}
    assert kinds["noise"] == "Activation" and (kinds["norm"] == "Activation") == folded
    features = np.random.default_rng(0).normal(size=(2, 8, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(graph(features), model(features), atol=1e-5)


def test_feature_maps_are_rounded_where_an_integer_runtime_holds_one():
    model = network(
        keras.layers.Conv2D(3, 1, name="into"), Doubled(name="norm"), Noise(name="noise"), Silent(name="silent")
    )
    rounded = {
        layer.layer.name: layer.quantize_config.output
        for layer in quantize(model, activations=True).layers
        if isinstance(layer, QuantizedLayer)
    }
    assert rounded == {"into": False, "norm": True, "silent": True}
