"""Accuracy that also counts what was taken for what."""

import tensorflow as tf
import tf_keras as keras


class ConfusionAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy of one-hot labels, with the confusion matrix of the same clips.

    The matrix costs one addition a batch, where another pass over the validation clips would cost a part of an epoch.

    Args:
        classes: number of scenes.
        name: in the logs.
    """

    def __init__(self, classes: int, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.confusion = self.add_weight("confusion", (classes, classes), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch: labels [batch, classes] and logits or probabilities [batch, classes]."""
        pairs = tf.argmax(y_true, axis=-1), tf.argmax(y_pred, axis=-1)
        self.confusion.assign_add(tf.math.confusion_matrix(*pairs, self.classes, dtype=self.confusion.dtype))
        return super().update_state(y_true, y_pred, sample_weight)

    def reset_state(self):
        """Begin anew: Keras' own sets scalars only."""
        for variable in self.variables:
            variable.assign(tf.zeros(variable.shape, variable.dtype))

    def get_config(self):
        """As of Keras."""
        return {**super().get_config(), "classes": self.classes}
