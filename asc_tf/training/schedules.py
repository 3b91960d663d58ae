"""Learning rates."""

import tf_keras as keras


def warmup_cosine(peak, steps_per_epoch, epochs, warmup_epochs=5, start=0.0):
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
    """
    warmup_steps = warmup_epochs * steps_per_epoch
    decay_steps = max(1, epochs * steps_per_epoch - warmup_steps)
    if warmup_steps == 0:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps)
    return keras.optimizers.schedules.CosineDecay(start, decay_steps, warmup_target=peak, warmup_steps=warmup_steps)
