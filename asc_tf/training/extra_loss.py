"""Networks trained on more than their compiled loss."""

import tensorflow as tf
import tf_keras as keras


class ExtraLossModel(keras.Model):
    """Base of models that add their own loss to the compiled one: `compile` and `fit` it to train its network.

    "loss" in the logs is the compiled loss alone, so that training and validation compare. The network's layers are
    shared: save `network`, not this model (`save_model` does).

    Args:
        network: functional model of features to logits.
    """

    def __init__(self, network):
        super().__init__(network.inputs, network.outputs, name=network.name)
        self._network = lambda: network  # in a function, to hide it from layers and checkpoints

    @property
    def network(self):
        """The network that is trained."""
        return self._network()

    def split(self, features, targets):
        """(labels for the compiled loss, other inputs of `total_loss`), before the step."""
        return targets, None

    def total_loss(self, loss, logits, aid):
        """The minimized loss of this replica's batch, from the compiled loss, the logits and the result of `split`."""
        raise NotImplementedError

    def train_step(self, data):
        features, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        labels, aid = self.split(features, targets)
        replicas = self.distribute_strategy.num_replicas_in_sync  # Keras divides the compiled loss by this number
        with tf.GradientTape() as tape:
            logits = self(features, training=True)
            loss = self.compute_loss(features, labels, logits, sample_weight)
            total = self.total_loss(loss * replicas, logits, aid) / replicas
        self.optimizer.minimize(total, self.trainable_variables, tape=tape)
        return self.compute_metrics(features, labels, logits, sample_weight)
