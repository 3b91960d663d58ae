"""The commands that make one run of several: `asc-tf ensemble` and `soup`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from asc_tf.cli.next_steps import after_training
from asc_tf.terminal import say


@dataclass
class Ensemble:
    """Join trained runs into one network that averages their outputs, and evaluate it."""

    runs: Positional[tuple[Path, ...]]
    """folders of two runs or more"""
    out: Path
    """folder for the ensemble; it is a run too"""
    average: Literal["probabilities", "logits"] = "probabilities"
    """what is averaged"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.members import check_members

        check_members(self.runs, self.out)
        stages.join_runs(self.runs, self.out, self.average)
        _evaluate(self.out)


@dataclass
class Soup:
    """Average the weights of trained runs into one network of the same size, and evaluate it.

    It helps for runs that began from the same weights, such as fine-tunings of one run with other settings.
    """

    runs: Positional[tuple[Path, ...]]
    """folders of two runs or more, with the same network, frontend and clips"""
    out: Path
    """folder for the soup; it is a run too"""
    choose: Literal["uniform", "greedy"] = "uniform"
    """average all, or add one after the other and keep those that lower the log loss on the validation clips"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.members import check_soup

        check_soup(self.runs, self.out, self.choose)
        stages.mix_runs(self.runs, self.out, self.choose, report=say)
        _evaluate(self.out)


def _evaluate(run):
    from asc_tf import stages

    if stages.has_test_part(run):
        print(stages.evaluate(run))
    after_training(run)
