"""Equation 3 of Lee et al. (HYU) against numpy, and the classifier that is trained anew."""

import numpy as np
import pytest
import tf_keras as keras

from asc_tf.models import bc_resnet_asc, cp_mobile
from asc_tf.training.fine_tuning import AnchoredModel, classifier_layers, freeze_all_but_classifier, renew_classifier
from asc_tf.training.fit import save_model
from asc_tf.training.seeding import set_seed

LOSS = keras.losses.CategoricalCrossentropy(from_logits=True)


def network():
    set_seed(1)
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(keras.layers.Dense(5, name="hidden")(inputs)))


def example():
    generator = np.random.default_rng(0)
    return generator.normal(0, 1, (6, 4)).astype(np.float32), np.eye(3, dtype=np.float32)[np.arange(6) % 3]


def softmax(values):
    exponential = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)


def gradients(weights):
    """Of the cross entropy, by hand, for the kernels and biases of both layers."""
    features, labels = example()
    kernel, bias, last_kernel, last_bias = weights
    hidden = features @ kernel + bias
    slope = (softmax(hidden @ last_kernel + last_bias) - labels) / len(features)
    back = slope @ last_kernel.T
    return features.T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)


@pytest.mark.parametrize("weight", [0.0, 0.4, 0.04])
def test_steps_follow_equation_3(weight):
    """L = L_C + lambda * sum (theta - theta_P)^2 over all weights but the classifier's."""
    model = network()
    anchored = AnchoredModel(model, weight)
    anchored.compile(keras.optimizers.SGD(0.5), LOSS, run_eagerly=True)
    pretrained = [w.astype(np.float64) for w in model.get_weights()]
    weights = [w.copy() for w in pretrained]
    for _ in range(4):
        assert float(anchored.distance()) == pytest.approx(
            sum(((w - p) ** 2).sum() for w, p in zip(weights[:2], pretrained[:2], strict=True)), rel=1e-4, abs=1e-12
        )
        pull = [2 * weight * (w - p) for w, p in zip(weights[:2], pretrained[:2], strict=True)] + [0.0, 0.0]
        weights = [w - 0.5 * (g + p) for w, g, p in zip(weights, gradients(weights), pull, strict=True)]
        anchored.train_on_batch(*example())
        for found, expected in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(weights[0] - pretrained[0]).max() > 0.01


def test_the_logged_loss_is_that_of_the_labels():
    anchored = AnchoredModel(network(), 1e6)
    anchored.compile(keras.optimizers.SGD(0.5), LOSS, run_eagerly=True)
    anchored.train_on_batch(*example())
    features, labels = example()
    expected = float(LOSS(labels, anchored(features)))
    assert anchored.train_on_batch(*example()) == pytest.approx(expected, rel=1e-5)


def test_negative_weight():
    with pytest.raises(ValueError, match="weight is -1"):
        AnchoredModel(network(), -1)


@pytest.fixture(scope="module")
def asc():
    """One for all tests, whatever its weights."""
    return bc_resnet_asc((32, 16, 1), 3, width=4, depth=(1, 1, 1, 1))


def test_the_classifier_is_the_last_kernel_and_what_follows(asc):
    assert [layer.name for layer in classifier_layers(asc) if layer.weights] == ["classifier"]
    network = cp_mobile((32, 16, 1), 3, width=8, depth=(1,))
    assert [layer.name for layer in classifier_layers(network) if layer.weights] == ["classifier", "classifier_bn"]


def test_only_the_classifier_begins_anew_and_is_trained_while_the_rest_is_frozen(asc):
    model, trainable = asc, len(asc.trainable_weights)
    before = {w.name: w.numpy() for w in model.weights}
    renew_classifier(model)
    changed = {w.name for w in model.weights if not np.array_equal(w.numpy(), before[w.name])}
    assert changed == {"classifier/kernel:0"}, "the bias begins at 0 as it did"
    freeze_all_but_classifier(model)
    model.compile(keras.optimizers.SGD(0.1), LOSS, run_eagerly=True)  # tracing takes longer than a step
    features = np.random.default_rng(0).normal(size=(6, 32, 16, 1)).astype(np.float32)
    model.train_on_batch(features, example()[1])
    changed = {w.name for w in model.weights if not np.array_equal(w.numpy(), before[w.name])}
    assert changed == {"classifier/kernel:0", "classifier/bias:0"}, "moving statistics stay too"
    freeze_all_but_classifier(model, frozen=False)
    assert len(model.trainable_weights) == trainable


def test_a_new_classifier_is_drawn_by_the_seed(asc):
    kernels = []
    for seed in (5, 5, 6):
        set_seed(seed)
        renew_classifier(asc)
        kernels.append(asc.get_layer("classifier").get_weights()[0])
    assert np.array_equal(kernels[0], kernels[1]) and not np.array_equal(kernels[0], kernels[2])


def test_the_network_is_saved_not_what_trains_it(asc, tmp_path):
    save_model(AnchoredModel(asc), tmp_path / "network.keras")
    read = keras.models.load_model(tmp_path / "network.keras", compile=False)
    assert type(read) is type(asc)
    for one, other in zip(read.get_weights(), asc.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
