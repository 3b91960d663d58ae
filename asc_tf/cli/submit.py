"""The command `asc-tf submit`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.errors import AscError
from asc_tf.terminal import say, show_files


@dataclass
class Submit:
    """Write a submission to task 1 of the DCASE challenge: output file, metadata, for 2025 the inference package."""

    run_folder: Annotated[Positional[Path | None], arg(name="run", metavar="RUN")] = None
    """folder of a run whose network classifies the evaluation set"""
    year: Literal[2021, 2022, 2024, 2025] = 2025
    """of the challenge, whose forms are written or checked"""
    evaluation: Path | None = None
    """folder of the evaluation set, with evaluation_setup/fold1_test.csv"""
    out: Path | None = None
    """folder to write into; what you have filled in there is kept"""
    label: str | None = None
    """of the submission, such as Kim_QTI_task1_1 (task1a in 2021)"""
    format: Annotated[Literal["float", "float16", "int8"] | None, arg(name="format")] = None
    """numbers of the network that is submitted; int8 for 2022 and float16 otherwise if not given"""
    check: Path | None = None
    """folder OUT/task1/LABEL, in place of RUN: print what the challenge would refuse in it"""

    def run(self):
        given = {"RUN": self.run_folder, "--evaluation": self.evaluation, "--out": self.out, "--label": self.label}
        if self.check is not None:
            if extra := [flag for flag, value in given.items() if value is not None]:
                raise AscError(f"--check {self.check}: is for a folder that is there; expected no {', '.join(extra)}")
            return self._check()
        if missing := [flag for flag, value in given.items() if value is None]:
            raise AscError(
                f"{', '.join(missing)}: not given; expected RUN, --evaluation, --out and --label, or --check"
            )
        from asc_tf.stages.submission_checks import check_submission

        check_submission(self.run_folder, self.year, self.evaluation, self.label, self.format)
        from asc_tf import stages

        folder = stages.submit(
            self.run_folder, self.year, self.evaluation, self.out, self.label, self.format, say, show_files
        )
        say_next(
            f"{folder}: fill in the metadata, then pack the folder above it",
            ["submit", "--check", folder, "--year", self.year],
        )

    def _check(self):
        from asc_tf.submission.checking import package_problems, submission_problems
        from asc_tf.submission.years import YEARS

        form, folder = YEARS[self.year], self.check
        if not folder.is_dir():
            raise AscError(f"--check {folder}: no such folder; expected OUT/{form.task}/LABEL")
        problems = submission_problems(folder, form)
        if form.tells_devices:
            problems += package_problems(folder.resolve().parents[1] / "package", folder.resolve().name)
        for problem in problems:
            print(problem)
        if problems:
            raise AscError(f"{folder}: would be refused for what is said above, by the forms of {self.year}")
        print(f"{folder}: nothing in it would be refused by what is known of the forms of {self.year}")
