"""The command `asc-tf report`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import say_next
from asc_tf.errors import AscError
from asc_tf.terminal import say


@dataclass
class Report:
    """Write one page with the results of runs, to open without a network.

    It shows curves, devices, confusions, wrong clips, complexity and files; several runs stand side by side, with mean
    and standard deviation over seeds."""

    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN ...")]
    """folders of runs"""
    out: Path | None = None
    """name of the page, NAME.html; its tables are NAME.md and NAME.csv. RUN/report.html of a single run if not given"""
    figure: Literal["tsne"] | None = None
    """draw only RUN/tsne.svg, with its .csv: whether stage 2 tells devices apart (Kim et al., 2021, figure 1)"""

    def run(self):
        from asc_tf.stages.preconditions import check_report

        if self.figure and self.out is not None:
            raise AscError(f"--out {self.out}: is for pages; a figure goes into the folder of its run")
        check_report(self.runs, self.out or (self.figure and Path(f"{self.figure}.html")))
        from asc_tf import stages

        if self.figure:
            for run in self.runs:
                path, accuracies = stages.write_device_figure(run, report=say)
                told = ", ".join(f"{name} {accuracy:.1f} %" for name, accuracy in accuracies.items())
                print(f"{path}: devices told by a linear probe of stage 2: {told}")
            return
        path = stages.write_report(self.runs, self.out, report=say)
        say_next(f"{path}: open it in a browser; its tables are {path.stem}.md and {path.stem}.csv beside it")
