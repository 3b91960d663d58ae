"""The command `asc-tf calibrate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import after_training
from asc_tf.terminal import say


@dataclass
class Calibrate:
    """Scale a run's classifier so that its probabilities mean what they say, and evaluate it on the test part."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run with validation clips; run 'asc-tf evaluate RUN --leave-device-out' first to suit unheard ones"""
    out: Path
    """folder for the calibrated network; it is a run too"""

    def run(self):
        from asc_tf import stages
        from asc_tf.evaluation.report import calibration_table
        from asc_tf.stages.preconditions import check_calibration

        check_calibration(self.run_folder, self.out)
        print(calibration_table(stages.calibrate(self.run_folder, self.out, report=say)))
        if stages.has_test_part(self.out):
            for name, folder in (("before", self.run_folder), ("calibrated", self.out)):
                print(f"\n{name}, on the test part\n{stages.evaluate(folder)}")
        after_training(self.out)
