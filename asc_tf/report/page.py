"""A report as one page of HTML that needs nothing besides, as Markdown and as CSV."""

import functools
from pathlib import Path

import jinja2

from asc_tf import __version__
from asc_tf.report.clips import EMBEDDED_BYTES, wrong_clips
from asc_tf.report.findings import grouped
from asc_tf.report.tables import csv_text, heard, markdown, plain

# Nothing is fetched, no script runs; sounds, pictures and the style are in the page itself.
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


def page_html(parts):
    """The page of the `Part`s of a report; all text in it is escaped, wherever it came from."""
    runs = [part.run for part in parts if part.run is not None]
    clips = {run.run: [] if run.predictions is None else wrong_clips(run, EMBEDDED_BYTES // len(runs)) for run in runs}
    return _template().render(parts=parts, clips=clips, settings=settings_rows, version=__version__, policy=POLICY)


def page_markdown(parts):
    """The tables of the page."""
    blocks = []
    for part in parts:
        blocks.append(f"# {plain(part.title)}")
        for section in part.sections:
            if section.rows:
                blocks += [f"## {plain(section.title)}", plain(section.text), markdown(section.rows)]
        if part.run is not None:
            blocks += ["## The command that repeats it", f"    {plain(part.run.command)}"]
    return "\n\n".join(block for block in blocks if block) + "\n"


def page_csv(runs):
    """Device metrics of all `Findings` as one table, a row a run and device."""
    rows = [["run", "method", "seed", "device", "in_training", "accuracy_percent", "log_loss", "clips"]]
    for title, group in grouped([run for run in runs if run.predictions is not None]).items():
        for run in group:
            for name, metrics in run.devices.iterrows():
                numbers = [repr(float(metrics.accuracy)), repr(float(metrics.log_loss)), str(int(metrics.clips))]
                known = [str(run.run), title, str(run.config.seed), name, heard(name, run.dataset.seen_devices)]
                rows.append([*known, *numbers])
    return csv_text(rows)


def settings_rows(run):
    """[name, value] of all settings of an `Findings`."""
    return [[name, "" if value is None else str(value)] for name, value in run.config.by_name().items()]


@functools.cache
def _template():
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")
