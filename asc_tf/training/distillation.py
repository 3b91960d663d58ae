"""Knowledge distillation."""

import tensorflow as tf
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
    student, teacher = (tf.nn.log_softmax(values / temperature) for values in (logits, teacher_logits))
    return temperature**2 * tf.reduce_sum(tf.exp(teacher) * (teacher - student), axis=-1)


class DistilledModel(keras.Model):
    """A network that also learns from a frozen teacher: `compile` and `fit` it, and its student is trained.

        loss = (1 - weight) * compiled loss + weight * distillation loss

    The teacher sees the very batch that the student sees, augmented. "loss" in the logs is the compiled loss alone, so
    that training and validation compare. The student's layers are shared: save the student, not this.

    Args:
        student: functional model, plain or in the wrappers of `prune` or `quantize`; features to logits.
        teacher: model of the same input and output; it stays as it is.
        temperature, weight: the papers name neither. Defaults 2 and 0.5.

    Raises:
        ValueError: a temperature that is not positive, a weight outside 0 to 1, or another number of classes.

    Reference: Kim et al., DCASE Workshop 2021, section 2.3: the compressed network learns from the one before its
    compression.
    """

    def __init__(self, student, teacher, temperature=2.0, weight=0.5):
        if temperature <= 0 or not 0 <= weight <= 1:
            raise ValueError(f"temperature is {temperature} and weight {weight}; expected more than 0, and 0 to 1")
        if student.output_shape[-1] != teacher.output_shape[-1]:
            raise ValueError(f"the teacher has {teacher.output_shape[-1]} classes; expected {student.output_shape[-1]}")
        super().__init__(student.inputs, student.outputs, name=student.name)
        self.temperature, self.weight = temperature, weight
        self._ask = lambda features: teacher(features, training=False)  # hidden from the checkpoints in a function

    def train_step(self, data):
        features, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        taught = self._ask(features)
        with tf.GradientTape() as tape:
            logits = self(features, training=True)
            loss = self.compute_loss(features, labels, logits, sample_weight)
            distilled = tf.reduce_mean(distillation_loss(logits, taught, self.temperature))
            both = (1 - self.weight) * loss + self.weight * distilled
        self.optimizer.minimize(both, self.trainable_variables, tape=tape)
        return self.compute_metrics(features, labels, logits, sample_weight)
