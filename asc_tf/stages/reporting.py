"""Reports on runs."""

from pathlib import Path

from asc_tf.atomic import write_text
from asc_tf.evaluation.metrics import device_metrics
from asc_tf.experiment.history import read_history
from asc_tf.experiment.run_folder import read_run
from asc_tf.report.files import exported_files
from asc_tf.report.findings import Findings, read_made_by
from asc_tf.report.page import page_csv, page_html, page_markdown
from asc_tf.report.sections import report_parts
from asc_tf.stages.complexity import account_of
from asc_tf.stages.evaluation import predict_test, read_predictions
from asc_tf.stages.preconditions import check_report, has_test_part


def write_report(runs, out=None, report=print):
    """Write what runs have found as a page of HTML, as Markdown and as CSV: `asc-tf report`.

    A run that has no predictions on its test part yet is evaluated first.

    Args:
        runs: run folders.
        out: path of the page, NAME.html; NAME.md and NAME.csv stand beside it. None is RUN/report.html of a single run.
        report: called with lines for the user.

    Returns:
        The path of the page.

    Raises:
        AscError: no trained run, a damaged file in one, a name that is no page's, or the evaluation fails.
    """
    path = check_report(runs, out)
    found = [gather(run, report) for run in runs]
    parts = report_parts(found)
    write_text(path.with_suffix(".md"), page_markdown(parts))
    write_text(path.with_suffix(".csv"), page_csv(found))
    write_text(path, page_html(parts))
    return path


def gather(run, report=print):
    """The `Findings` of a run folder. Raises an AscError as `write_report`."""
    run = Path(run)
    config, dataset = read_run(run)
    predictions = predict_test(run, report=report) if has_test_part(run) else None
    return Findings(
        run,
        config,
        dataset,
        read_history(run / "history.csv") if (run / "history.csv").is_file() else None,
        predictions,
        account_of(run),
        exported_files(run, dataset),
        _durations(run, dataset, predictions),
        read_made_by(run),
    )


def _durations(run, dataset, whole):
    """{seconds: frame of `device_metrics`} of whole clips and of what `asc-tf evaluate --seconds` has left there."""
    found = {}
    for path in run.glob("pieces-*s/predictions.csv"):
        predictions = read_predictions(path, dataset.scenes)
        found[float(path.parent.name[len("pieces-") : -1])] = device_metrics(predictions, dataset.seen_devices)
    if found and whole is not None:
        found[dataset.clip_seconds] = device_metrics(whole, dataset.seen_devices)
    return found
