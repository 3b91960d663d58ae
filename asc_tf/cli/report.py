"""The command `asc-tf report`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.terminal import say


@dataclass
class Report:
    """Show what runs have found: a page that opens without a network, with curves, devices, confusions, the clips that
    were wrong, complexity and files; several runs side by side, with mean ± standard deviation over seeds."""

    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN ...")]
    """folders of runs"""
    out: Path | None = None
    """name of the page, NAME.html; its tables are NAME.md and NAME.csv. RUN/report.html of a single run if not given"""

    def run(self):
        from asc_tf.stages.preconditions import check_report

        check_report(self.runs, self.out)
        from asc_tf import stages

        path = stages.write_report(self.runs, self.out, report=say)
        say_next(f"{path}: open it in a browser; its tables are {path.stem}.md and {path.stem}.csv beside it")
