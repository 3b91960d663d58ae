"""Learning rates."""

import tensorflow as tf
import tf_keras as keras


def warmup_cosine(
    peak: float, steps_per_epoch: int, epochs: int, warmup_epochs: int = 5, start: float = 0.0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up from `start` to `peak`, step by step, then cosine decay to 0 at the last step.

        step < w: start + (peak - start) * step / w,   else: peak / 2 * (1 + cos(pi * (step - w) / (n - w)))

    with w = warmup_epochs * steps_per_epoch and n = epochs * steps_per_epoch.

    Args:
        peak: highest learning rate; 0.06 in QTI's papers, 0.01 in HYU's.
        steps_per_epoch: batches an epoch.
        epochs: 100 in QTI's papers, 300 in HYU's.
        warmup_epochs: 5 in QTI's papers, 10 for 300 epochs; 0 starts at `peak`.
        start: learning rate of the first step; 0 in QTI's papers, 1e-8 in HYU's.

    Returns:
        A `keras.optimizers.schedules.LearningRateSchedule`.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1; Lee et al. (HYU), DCASE Workshop 2022, section 4.2.

    Examples:
        >>> import asc_tf
        >>> rates = asc_tf.warmup_cosine(0.06, steps_per_epoch=10, epochs=100)
        >>> [round(float(rates(step)), 3) for step in (0, 25, 50, 1000)]
        [0.0, 0.03, 0.06, 0.0]
    """
    warmup_steps = warmup_epochs * steps_per_epoch
    decay_steps = max(1, epochs * steps_per_epoch - warmup_steps)
    if warmup_steps == 0:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps)
    return keras.optimizers.schedules.CosineDecay(start, decay_steps, warmup_target=peak, warmup_steps=warmup_steps)


@keras.saving.register_keras_serializable("asc_tf")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate for the first half of the steps, then a linear decay to 0 at the last one.

        rate(step) = peak * min(1, 2 * (1 - step / n))

    Args:
        peak: highest learning rate; 2e-4 for pix2pix.
        steps: n, of the whole training.

    Reference: Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017,
    appendix 7.1, by the authors of pix2pix, whose own paper names only a rate.
    """

    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        return self.peak * tf.minimum(1.0, 2 * (1 - tf.cast(step, tf.float32) / self.steps))

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}
