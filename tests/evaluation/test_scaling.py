"""Scaling of logits against what is known of it."""

import numpy as np
import pytest
from scipy.special import softmax

from asc_tf.evaluation.scaling import Scaling, best_per_class, best_scaling, best_temperature


@pytest.fixture(scope="module")
def drawn():
    """Logits z, and labels drawn with the probabilities softmax(z): they are calibrated. Groups of four clips."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 5))
    labels = np.array([generator.choice(5, p=each) for each in softmax(logits, axis=1)])
    return logits, labels, np.arange(4000) // 4


@pytest.mark.parametrize("temperature", [0.4, 1, 3])
def test_the_temperature_that_logits_were_multiplied_with_is_found(drawn, temperature):
    logits, labels, _ = drawn
    found = best_temperature(temperature * logits, labels)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    np.testing.assert_allclose(found(temperature * logits), logits, rtol=0.05, atol=0.05)


def test_few_groups_ask_for_no_extreme_temperature(drawn):
    logits, _, _ = drawn
    right = logits[:48].argmax(axis=1)  # without a pull, T would be 0
    found = [best_temperature(logits[:48], right, np.arange(48) // size).temperature for size in (48, 8, 2, 1)]
    assert 1 > found[0] > found[1] > found[2] > found[3] > 0.05
    assert found[3] == best_temperature(logits[:48], right).temperature
    assert best_temperature(logits[:48], right, ["park"] * 24 + ["bus"] * 24).temperature < found[0]


def test_factors_and_offsets_of_single_scenes_are_found(drawn):
    logits, labels, groups = drawn
    factor, offset = np.array([1, 2, 0.5, 1, 1]), np.array([0, 1, -1, 0, 2.0])
    found = best_per_class(factor * logits + offset, labels)
    assert found.temperature is None
    expected = logits - logits.mean(axis=1, keepdims=True)
    scaled = found(factor * logits + offset)
    np.testing.assert_allclose(scaled - scaled.mean(axis=1, keepdims=True), expected, atol=0.5)
    assert best_scaling(factor * logits + offset, labels, groups).temperature is None


def test_factors_and_offsets_do_not_pay_where_one_temperature_is_right(drawn):
    logits, labels, groups = drawn
    assert best_scaling(2 * logits[:200], labels[:200], groups[:200]).temperature == pytest.approx(2, rel=0.3)


def test_few_groups_are_too_few_to_tell(drawn):
    logits, labels, _ = drawn
    assert best_scaling(logits + [0, 9, 0, 0, 0], labels, np.zeros(len(labels))).temperature is not None


def test_a_scaling_is_no_temperature_with_an_offset():
    assert Scaling(np.full(2, 0.5), np.zeros(2)).temperature == 2
    assert Scaling(np.full(2, 0.5), np.array([0, 0.1])).temperature is None
