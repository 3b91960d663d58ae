"""The threshold of 'uncertain': 95 of 100 right answers reach it."""

import numpy as np
import pytest

from asc_tf.evaluation.uncertainty import uncertain_below


@pytest.mark.parametrize("clips", [20, 47, 1000])
def test_nineteen_of_twenty_right_answers_reach_it(clips):
    confidences = np.random.default_rng(clips).uniform(0.3, 1, clips)
    threshold = uncertain_below(confidences, np.ones(clips, bool))
    assert 0.95 <= np.mean(confidences >= threshold) < 0.95 + 1 / clips + 1e-9


def test_wrong_answers_and_the_order_of_clips_count_for_nothing():
    confidences, right = np.linspace(0.1, 1, 40), np.arange(40) >= 15
    order = np.random.default_rng(0).permutation(40)
    assert uncertain_below(confidences, right) == uncertain_below(confidences[order], right[order])
    assert uncertain_below(confidences, right) == uncertain_below(confidences[15:], right[15:])


def test_too_few_right_answers_say_nothing():
    assert uncertain_below([0.9] * 40, [True] * 19 + [False] * 21) is None
