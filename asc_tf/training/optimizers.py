"""Optimizers."""

import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class SGDWithL2(keras.optimizers.SGD):
    """Stochastic gradient descent with momentum and L2 regularization as PyTorch's `weight_decay` applies it.

        v <- momentum * v - rate * (gradient + l2 * w),   w <- w + v

    The penalty goes through the momentum and reaches every trainable weight, those of the normalizations and
    biases too. Keras's own `weight_decay` is the decoupled kind, which is weaker under momentum.

    Args:
        l2: 0.001 in QTI's papers.
        learning_rate, momentum, and others: as in `keras.optimizers.SGD`.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, l2=0.001, name="SGDWithL2", **kwargs):
        super().__init__(learning_rate=learning_rate, momentum=momentum, name=name, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable):
        super().update_step(gradient + self.l2 * variable, variable)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
