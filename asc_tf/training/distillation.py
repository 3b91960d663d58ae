"""Knowledge distillation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from asc_tf.training.extra_loss import ExtraLossModel

if TYPE_CHECKING:
    import tf_keras as keras


def distillation_loss(logits, teacher_logits, temperature):
    """Kullback-Leibler divergence of the student's softened probabilities from the teacher's, times T^2.

        L = T^2 sum_k p_k (ln p_k - ln q_k),   p = softmax(teacher / T),   q = softmax(student / T)

    T^2 keeps the gradient's size when T changes.

    Args:
        logits, teacher_logits: [batch, classes].
        temperature: T.

    Returns:
        [batch].

    Reference: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """
    return softened_loss(logits, soften(teacher_logits, temperature), temperature)


def soften(logits, temperature):
    """softmax(logits / temperature), [batch, classes]."""
    return tf.nn.softmax(logits / temperature)


def softened_loss(logits, probabilities, temperature):
    """`distillation_loss` from the teacher's softened probabilities p; [batch].

    Where p is 0, its term is 0. Mixtures of several p, as mixup makes them, are valid too.
    """
    return temperature**2 * tf.reduce_sum(
        tf.math.xlogy(probabilities, probabilities) - probabilities * tf.nn.log_softmax(logits / temperature), axis=-1
    )


class DistilledModel(ExtraLossModel):
    """A network that also learns from a frozen teacher: `compile` and `fit` it to train its student.

        loss = (1 - weight) * compiled loss + weight * distillation loss

    With `teacher` ("online"), the teacher sees the same augmented batch as the student. Without it ("cached"), the
    teacher's logits on the unaugmented clips come with the data: the targets are [batch, 2 * classes], one-hot labels,
    then `soften(logits, temperature)`, as `training_batches(..., targets=...)` gives them. Mixup mixes these as it
    mixes the labels; the teacher sees no other augmentation. "loss" in the logs is the compiled loss alone, so that
    training and validation compare. The student's layers are shared: save the student, not this model.

    Args:
        student: functional model, plain or in the wrappers of `prune` or `quantize`; features to logits.
        teacher: model of the same input and output, which is not changed, or None.
        temperature, weight: the papers name neither. Defaults 2 and 0.5.

    Raises:
        ValueError: a temperature that is not positive, a weight outside 0 to 1, or another number of classes.

    Reference: Kim et al., DCASE Workshop 2021, section 2.3: the compressed network learns from the one before its
    compression; technical report, section 3.3, and Lee et al. (HYU), DCASE Workshop 2022, section 6: a new network
    learns from a trained one of the same size.
    """

    def __init__(
        self, student: keras.Model, teacher: keras.Model | None = None, temperature: float = 2.0, weight: float = 0.5
    ):
        if temperature <= 0 or not 0 <= weight <= 1:
            raise ValueError(f"temperature is {temperature} and weight {weight}; expected more than 0, and 0 to 1")
        classes = student.output_shape[-1]
        if teacher is not None and classes != teacher.output_shape[-1]:
            raise ValueError(f"the teacher has {teacher.output_shape[-1]} classes; expected {classes}")
        super().__init__(student)
        self.temperature, self.weight, self.classes = temperature, weight, classes
        # In a function, to hide the teacher from the checkpoints.
        self._ask = teacher and (lambda features: soften(teacher(features, training=False), temperature))

    def split(self, features: tf.Tensor, targets: tf.Tensor) -> tuple:
        return (targets, self._ask(features)) if self._ask else tf.split(targets, 2, axis=-1)

    def total_loss(self, loss: tf.Tensor, logits: tf.Tensor, taught: tf.Tensor) -> tf.Tensor:
        distilled = tf.reduce_mean(softened_loss(logits, taught, self.temperature))
        return (1 - self.weight) * loss + self.weight * distilled
