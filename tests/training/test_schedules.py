import math

import numpy as np
import pytest
import tensorflow as tf

from asc_tf.training.schedules import ConstantThenLinear, warmup_cosine


@pytest.mark.parametrize(("steps_per_epoch", "epochs", "warmup_epochs"), [(7, 20, 5), (219, 100, 5), (3, 4, 0)])
def test_rate_is_the_formula_at_every_step(steps_per_epoch, epochs, warmup_epochs):
    schedule = warmup_cosine(0.06, steps_per_epoch, epochs, warmup_epochs)
    warmup, total = warmup_epochs * steps_per_epoch, epochs * steps_per_epoch
    for step in [*range(0, total, max(1, total // 200)), warmup, total]:
        expected = (
            0.06 * step / warmup
            if step < warmup
            else 0.03 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
        )
        assert float(schedule(step)) == pytest.approx(expected, abs=1e-7), step


def test_rate_starts_at_zero_peaks_after_the_warm_up_and_ends_at_zero():
    schedule = warmup_cosine(0.06, 10, 20, 5)
    rates = np.array([float(schedule(step)) for step in range(201)])
    assert rates[0] == 0 and rates.argmax() == 50 and rates[50] == pytest.approx(0.06) and rates[200] < 1e-9


def test_constant_then_linear():
    schedule = ConstantThenLinear(0.4, 100)
    found = [float(schedule(tf.constant(step, tf.int64))) for step in (0, 25, 50, 75, 100)]
    assert found == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.0])
    assert ConstantThenLinear.from_config(schedule.get_config()).steps == 100
