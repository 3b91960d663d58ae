"""Fine-tuning that stays near the initial weights, and new training of the classifier before it."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.training.extra_loss import ExtraLossModel


def squared_distance(weights, others):
    """Sum of the squared differences of two lists of arrays of the same shapes: sum_i (theta_i - theta_P,i)^2."""
    pairs = zip(weights, others, strict=True)
    return tf.add_n([tf.reduce_sum(tf.square(weight - other)) for weight, other in pairs])


class AnchoredModel(ExtraLossModel):
    """A network that is fine-tuned close to its present weights, except for the classifier's.

        L = L_C + weight * sum_i (theta_i - theta_P,i)^2

    theta are the trainable weights except the classifier's; theta_P are their values when this model is made. L_C is
    the compiled loss. The sum is over all weights, not their mean.

    Args:
        network: functional model of features to logits; it is trained.
        weight: lambda in the paper, 0.4 there.
        classifier: layers that may move freely, as `classifier_layers` gives them; None finds them.

    Raises:
        ValueError: a negative weight.

    Reference: Lee et al. (HYU), DCASE Workshop 2022, equation 3.
    """

    def __init__(self, network: keras.Model, weight: float = 0.4, classifier: keras.layers.Layer | None = None):
        if weight < 0:
            raise ValueError(f"weight is {weight}; expected 0 or more")
        super().__init__(network)
        free = {id(w) for layer in classifier or classifier_layers(network) for w in layer.weights}
        held = [w for w in network.trainable_weights if id(w) not in free]
        anchors = [tf.constant(w.numpy()) for w in held]
        self.distance = lambda: squared_distance(held, anchors)
        self.weight = weight

    def total_loss(self, loss: tf.Tensor, logits: tf.Tensor, aid: tf.Tensor | None) -> tf.Tensor:
        return loss + self.weight * self.distance()


def classifier_layers(model):
    """The layers from feature maps to logits: the last layer with a kernel, and all layers after it."""
    last = max(i for i, layer in enumerate(model.layers) if any("kernel" in w.name for w in layer.weights))
    return model.layers[last:]


def renew_classifier(model: keras.Model) -> None:
    """Give a model's classifier new initial weights, drawn by its layers' own initializers; `set_seed` before it."""
    names = [layer.name for layer in classifier_layers(model) if layer.weights]
    fresh = keras.models.clone_model(model)
    for name in names:
        model.get_layer(name).set_weights(fresh.get_layer(name).get_weights())


def freeze_all_but_classifier(model: keras.Model, frozen: bool = True) -> None:
    """Let only the classifier be trained, or the whole network again; call `compile` afterwards.

    Frozen normalizations use and keep their moving statistics.
    """
    classifier = classifier_layers(model)
    for layer in model.layers:
        layer.trainable = not frozen or layer in classifier
