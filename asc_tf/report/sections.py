"""What a report says, in which order: headings with sentences, charts and tables."""

import dataclasses

from asc_tf.report import tables
from asc_tf.report.charts import confusion_chart, device_bars, learning_curves, reliability_chart
from asc_tf.report.comparing import cost_comparison, device_comparison
from asc_tf.report.findings import Findings, grouped


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading of the page with a sentence, tables and charts; charts are SVG of `drawn`."""

    title: str
    text: str = ""
    charts: tuple = ()
    rows: tuple = ()
    words: bool = False
    """whether the table is of words more than of numbers"""


@dataclasses.dataclass(frozen=True)
class Part:
    """A run with its sections; without a run, the sections of all runs side by side."""

    title: str
    sections: tuple
    run: Findings | None = None


def report_parts(runs):
    """The `Part`s of a report on one `Findings` or several."""
    parts = [Part(f"{len(runs)} runs side by side", tuple(comparison_sections(runs)))] if len(runs) > 1 else []
    for number, run in enumerate(runs):
        folder = run.run.resolve()
        title = folder.name if len(runs) == 1 else f"{folder.parent.name}/{folder.name}"
        parts.append(Part(title, tuple(run_sections(run, f"run{number}")), run))
    return parts


def run_sections(run, name):
    """The `Section`s of an `Findings`; `name` goes into the charts' ids."""
    sections = []
    if run.predictions is not None:
        rows = tables.metric_rows(run.devices, "device", run.dataset.seen_devices, run.published)
        bars = device_bars(f"{name}-devices", run.devices, run.dataset.seen_devices, run.published)
        sections.append(Section("Devices", " ".join(run.remarks), (bars,), tuple(rows)))
        rows = tables.metric_rows(run.scenes, "scene")
        text = "Bold on the diagonal: right. Cells are the darker, the larger their share of the true scene's clips."
        chart = confusion_chart(f"{name}-confusion", run.confusion)
        sections.append(Section("Scenes and what they were taken for", text, (chart,), tuple(rows)))
        table, error = run.reliability
        text = (
            f"Expected calibration error: {100 * error:.1f} % in 15 bins. Bars below the line: too confident; "
            "bars above it: not confident enough."
        )
        chart = reliability_chart(f"{name}-reliability", table, error)
        sections.append(Section("Is its confidence to be believed?", text, (chart,)))
    if run.history is not None:
        chart = learning_curves(f"{name}-curves", run.history)
        sections.append(Section("Learning curves", "", (chart,)))
    accounts = {"network, float32": run.account} | {file.name: file.account for file in run.files if file.account}
    sections.append(Section("Complexity", "", (), tuple(tables.verdict_rows(accounts)), words=True))
    text = "Latency is the median of one inference on one thread of the machine that made this page."
    if run.files:
        sections.append(Section("Exported files", text, (), tuple(tables.file_rows(run.files))))
    return sections


def comparison_sections(runs):
    """The `Section`s of several `Findings` side by side: those with predictions."""
    groups = grouped([run for run in runs if run.predictions is not None])
    if not groups:
        return []
    metrics = {
        title: {name: [float(run.devices.accuracy[name]) for run in group if name in run.devices.index]
                for name in group[0].devices.index}
        for title, group in groups.items()
    }  # fmt: skip
    seen = {name for run in runs for name in run.dataset.seen_devices}
    costs = {
        "parameters": {title: group[0].account.trainable_parameters() for title, group in groups.items()},
        "MACs": {title: group[0].account.operations().macs for title, group in groups.items()},
    }
    sizes = {title: tables.smallest_file(group[0]) for title, group in groups.items()}
    text = "Mean ± standard deviation over seeds."
    if None not in sizes.values():
        costs["bytes of the smallest file"] = sizes
    else:
        text += " Bytes are drawn where every run has an exported file (asc-tf export)."
    costs = {label: numbers for label, numbers in costs.items() if min(numbers.values()) > 0}
    accuracies = {title: group["all"] for title, group in metrics.items()}
    roots = sorted({run.dataset.root for run in runs})
    others = f" The runs are on different data sets: {', '.join(roots)}." if len(roots) > 1 else ""
    sections = [
        Section("Side by side", f"* not heard in training. Mean ± standard deviation over seeds.{others}",
                (device_comparison("by-device", metrics, seen),), tuple(tables.device_rows(groups))),
        Section("Accuracy and cost", text, (cost_comparison("by-cost", accuracies, costs),) if costs else (),
                tuple(tables.cost_rows(groups))),
    ]  # fmt: skip
    for title, rows in (
        ("Length of what is classified at once (log loss / accuracy %)", tables.duration_rows(groups)),
        ("Compression", tables.compression_rows(groups)),
    ):
        if len(rows) > 1:
            sections.append(Section(title, "", (), tuple(rows)))
    return sections
