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


def test_warm_up_of_hyu_begins_at_its_start():
    """Lee et al., DCASE Workshop 2022, section 4.2: 1e-8 to 0.01 in ten epochs, then down to 0."""
    schedule = warmup_cosine(0.01, 273, 300, 10, start=1e-8)
    assert float(schedule(0)) == pytest.approx(1e-8, rel=1e-3)
    assert float(schedule(1)) == pytest.approx(1e-8 + (0.01 - 1e-8) / 2730, rel=1e-5)
    assert float(schedule(2730)) == pytest.approx(0.01) and float(schedule(273 * 300)) < 1e-9


def test_constant_then_linear():
    schedule = ConstantThenLinear(0.4, 100)
    found = [float(schedule(tf.constant(step, tf.int64))) for step in (0, 25, 50, 75, 100)]
    assert found == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.0])
    assert ConstantThenLinear.from_config(schedule.get_config()).steps == 100
