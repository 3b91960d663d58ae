"""Magnitude pruning of all convolution kernels, with TF Model Optimization's schedules."""

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from asc_tf.compression.kernels import cloned, kernels, stripped
from asc_tf.compression.masks import connected_masks, global_masks, layer_masks
from asc_tf.internals.model_optimization import PruningWrapper, pruned_weights, start_schedule
from asc_tf.layers.contract import kernel_attribute

SCOPES = ("connected", "global", "layer")
FLOOR = 0.02


def prune(model: keras.Model, ratio: float, scope: str = "connected", floor: float = FLOOR) -> keras.Model:
    """Prune the smallest weights of all kernels at once; additional training keeps the mask.

    Train the result as any model (tfmot's callback `UpdatePruningStep` is allowed, but not needed), then call
    `strip_pruning`. Of N weights in all kernels exactly round((1 - ratio) N) are kept.

    Args:
        model: functional model, which is not changed.
        ratio: share of the weights to prune, 0 up to but not including 1; 0.89 in the papers.
        scope: "connected", one magnitude threshold for all kernels together, among the weights that can affect the
            output (`connected_masks`); "global", one for all weights; "layer", the same ratio in each kernel (the total
            may then differ by rounding).
        floor: least share of each kernel's weights to keep, since a global threshold can empty a layer and so cut the
            network in two. At least one weight of each kernel is always kept.

    Returns:
        A new model, not compiled, with every kernel in a wrapper that masks it.

    Raises:
        ValueError: `ratio` or `floor` out of range, `scope` unknown, or a model that cannot be pruned.

    Reference: Kim et al., DCASE Workshop 2021, section 2.3: one-shot pruning by magnitude, then additional training.
    The paper does not state the threshold's scope; "connected" is a difference.

    Examples:
        >>> import asc_tf
        >>> network = asc_tf.cp_mobile((32, 34, 1), width=8, depth=(1,))
        >>> pruned = asc_tf.strip_pruning(asc_tf.prune(network, 0.5))
        >>> bool((pruned.get_layer("stem2").kernel.numpy() == 0).any())
        True
    """
    _check(ratio)
    if scope not in SCOPES:
        raise ValueError(f"scope is '{scope}'; expected one of {', '.join(SCOPES)}")
    if not 0 <= floor <= 1 - ratio:
        raise ValueError(f"floor is {floor}; expected 0 up to 1 - ratio = {1 - ratio:.4g}")
    found = {name: kernel.numpy() for name, kernel in kernels(model).items()}
    if scope == "connected":
        masks = connected_masks(model, ratio, floor)
    elif scope == "global":
        masks = global_masks([abs(kernel) for kernel in found.values()], ratio, floor)
    else:
        masks = layer_masks(found.values(), ratio)
    wrapped = _wrapped(model, FixedMask(ratio))
    for name, mask in zip(found, masks, strict=True):
        ((kernel, stored),) = pruned_weights(wrapped.get_layer(PrunedKernel.prefix + name))
        stored.assign(mask)
        kernel.assign(found[name] * mask)
    return wrapped


def prune_gradually(
    model: keras.Model,
    ratio: float,
    begin_step: int,
    end_step: int,
    initial_ratio: float = 0.0,
    frequency: int = 10,
    power: float = 3,
) -> keras.Model:
    """Prune each kernel more and more while training, by tfmot's `PolynomialDecay`.

        ratio(t) = ratio + (initial_ratio - ratio) (1 - (t - begin_step) / (end_step - begin_step))^power

    Args:
        model: functional model, which is not changed.
        ratio: share of each kernel's weights that is pruned from `end_step` on.
        begin_step, end_step: of training, counted from 1.
        initial_ratio: the ratio at `begin_step`.
        frequency: steps between new masks; divides end_step - begin_step, or `ratio` is not reached.
        power: of the polynomial.

    Returns:
        A new model as from `prune`.

    Raises:
        ValueError: a ratio out of range, steps that do not fit together, or a model that cannot be pruned.

    Reference: Zhu and Gupta, "To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model Compression",
    2017, equation 1.
    """
    _check(ratio)
    _check(initial_ratio, "initial_ratio")
    if not 0 <= begin_step < end_step:
        raise ValueError(f"begin_step is {begin_step} and end_step {end_step}; expected 0 <= begin_step < end_step")
    if frequency < 1 or (end_step - begin_step) % frequency:
        raise ValueError(f"frequency is {frequency}; expected a divisor of end_step - begin_step")
    kernels(model)
    schedule = tfmot.sparsity.keras.PolynomialDecay(initial_ratio, ratio, begin_step, end_step, power, frequency)
    return _wrapped(model, schedule)


def strip_pruning(model: keras.Model) -> keras.Model:
    """A plain model in which the pruned weights are zero; the wrapped model is not changed.

    tfmot's own function returns the wrapped model's own layers, with weights as the optimizer's last step left them.

    Raises:
        ValueError: the model has no pruned kernel.
    """
    return stripped(model, PrunedKernel)


class FixedMask(tfmot.sparsity.keras.PruningSchedule):
    """A schedule that never makes a new mask: the assigned one stays.

    tfmot's `ConstantSparsity` makes new masks again and again, and pruned weights come back.

    Args:
        ratio: share of the pruned weights, for tfmot's summaries.
    """

    def __init__(self, ratio):
        self.ratio = ratio

    def __call__(self, step):
        return tf.constant(False), tf.constant(self.ratio, tf.float32)

    def get_config(self):
        return {"class_name": type(self).__name__, "config": {"ratio": self.ratio}}


_SCHEDULES = {
    schedule.__name__: schedule
    for schedule in (FixedMask, tfmot.sparsity.keras.PolynomialDecay, tfmot.sparsity.keras.ConstantSparsity)
}


@keras.saving.register_keras_serializable("asc_tf")
class PrunedKernel(PruningWrapper):
    """tfmot's pruning wrapper around any layer with a kernel.

    tfmot's own list says that depthwise convolutions have nothing to prune, and knows no subclasses.

    Args:
        layer: with a kernel, see `kernel_attribute`.
        pruning_schedule: of tfmot.
    """

    prefix = "pruned_kernel_"  # tfmot derives the name from the class's name

    def __init__(self, layer, pruning_schedule, **kwargs):
        layer.get_prunable_weights = lambda: [getattr(layer, kernel_attribute(layer))]
        super().__init__(layer, pruning_schedule=pruning_schedule, **kwargs)

    def effective_kernel(self):
        """The masked kernel."""
        ((kernel, mask),) = pruned_weights(self)
        return kernel * mask

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        schedule = config.pop("pruning_schedule")
        schedule = _SCHEDULES[schedule["class_name"]].from_config(schedule["config"])
        return cls(keras.layers.deserialize(config.pop("layer")), schedule, **config)


def _wrapped(model, schedule):
    def wrap(layer):
        return PrunedKernel(layer, schedule) if kernel_attribute(layer) else layer

    wrapped = cloned(model, wrap)
    for layer in wrapped.layers:
        if isinstance(layer, PrunedKernel):
            start_schedule(layer)
    return wrapped


def _check(ratio, name="ratio"):
    if not 0 <= ratio < 1:
        raise ValueError(f"{name} is {ratio}; expected 0 up to but not including 1")
