"""Networks that are trained on more than their compiled loss."""

import tensorflow as tf
import tf_keras as keras


class ExtraLossModel(keras.Model):
    """Base of models that add a loss of their own to the compiled one: `compile` and `fit` it, its network is trained.

    "loss" in the logs is the compiled loss alone, so that training and validation compare. The network's layers are
    shared: save `network`, not this (`save_model` does).

    Args:
        network: functional model of features to logits.
    """

    def __init__(self, network):
        super().__init__(network.inputs, network.outputs, name=network.name)
        self._network = lambda: network  # hidden from layers and checkpoints in a function

    @property
    def network(self):
        """The network that is trained."""
        return self._network()

    def split(self, features, targets):
        """(labels for the compiled loss, whatever `total_loss` needs beside), before the step."""
        return targets, None

    def total_loss(self, loss, logits, aid):
        """What is minimized, from the compiled loss, the logits and what `split` gave: of this replica's batch."""
        raise NotImplementedError

    def train_step(self, data):
        features, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        labels, aid = self.split(features, targets)
        replicas = self.distribute_strategy.num_replicas_in_sync  # Keras divides the compiled loss by it
        with tf.GradientTape() as tape:
            logits = self(features, training=True)
            loss = self.compute_loss(features, labels, logits, sample_weight)
            total = self.total_loss(loss * replicas, logits, aid) / replicas
        self.optimizer.minimize(total, self.trainable_variables, tape=tape)
        return self.compute_metrics(features, labels, logits, sample_weight)
