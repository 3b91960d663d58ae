"""The papers' optimizers."""

import tf_keras as keras


@keras.saving.register_keras_serializable("asc_tf")
class SGDWithL2(keras.optimizers.SGD):
    """Stochastic gradient descent with momentum and L2 regularization as PyTorch's `weight_decay` applies it.

        v <- momentum * v - rate * (gradient + l2 * w),   w <- w + v

    The penalty goes through the momentum and applies to every trainable weight, including normalizations and biases.
    Keras's own `weight_decay` is the decoupled kind, which is weaker under momentum.

    Args:
        l2: 0.001 in QTI's papers.
        learning_rate, momentum, and others: as in `keras.optimizers.SGD`.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        momentum: float = 0.9,
        l2: float = 0.001,
        name: str = "SGDWithL2",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, momentum=momentum, name=name, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable):
        super().update_step(gradient + self.l2 * variable, variable)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable("asc_tf")
class AdamWOnKernels(keras.optimizers.AdamW):
    """AdamW whose weight decay leaves out biases and the weights of normalizations, as is usual.

        w <- w - rate * decay * w,   then Adam's step with `rate`

    Only kernels decay: a scale of a normalization drawn to 0 would switch its channel off, not make the network
    simpler. Weights named gamma, beta, bias or lambda do not decay.

    Args:
        learning_rate: number or schedule; it scales the decay too.
        weight_decay: 0.05 in HYU's training, 1e-8 in their fine-tuning.
        others: as in `keras.optimizers.AdamW`.

    Reference: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; Lee et al. (HYU), DCASE
    Workshop 2022, section 4.2. Differences: the paper does not say what decays; epsilon is 1e-8 as in PyTorch, but is
    added before the bias correction, where Keras has it.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        weight_decay: float = 0.05,
        epsilon: float = 1e-8,
        name: str = "AdamWOnKernels",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, epsilon=epsilon, name=name, **kwargs)
        self.exclude_from_weight_decay(var_names=["(^|/)(gamma|beta|bias|lambda)(:|$)"])
