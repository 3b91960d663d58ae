"""The tables of a report, in the papers' own forms; each is rows of text with the header first."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from asc_tf.complexity.account_report import check_text
from asc_tf.complexity.rules import VERDICTS, verdicts
from asc_tf.evaluation.metrics import SUMMARY


def spread(values, digits=1):
    """Mean ± standard deviation (ddof=1) of several values; the only value; "-" for none."""
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    mean = f"{np.mean(values):.{digits}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else mean


def device_rows(groups):
    """Methods in rows, devices in columns, then their means: table 3 of Kim et al. and table 4 of Lee et al.

    Args:
        groups: {title: list of `Findings`}, of `grouped`, all with predictions. Unseen devices are marked "*". Below
            each method stands what the paper prints for its recipe.
    """
    metrics = {title: [run.devices for run in runs] for title, runs in groups.items()}
    devices = sorted({name for frames in metrics.values() for frame in frames for name in frame.index} - {*SUMMARY})
    seen = {name for runs in groups.values() for run in runs for name in run.dataset.seen_devices}
    header = ["method", "seeds", "parameters", *(name if name in seen else f"{name}*" for name in devices),
              "seen", "unseen", "accuracy %", "log loss"]  # fmt: skip
    rows = [header]
    for title, runs in groups.items():
        frames = metrics[title]
        cells = [_of(frames, name, 1, alone=True) for name in devices] + [_of(frames, name, 1) for name in SUMMARY]
        log_loss = _of(frames, "all", 3, "log_loss")
        rows.append([title, str(len(runs)), f"{runs[0].account.trainable_parameters():,}", *cells, log_loss])
        paper = runs[0].published
        if paper["accuracy"]:
            known = paper["accuracy"]
            cells = [f"{known[name]:.1f}" if name in known else "-" for name in (*devices, *SUMMARY)]
            said = paper["log_loss"].get("all")
            rows.append([f"the paper's {runs[0].config.recipe}", "", "", *cells, f"{said:.3f}" if said else "-"])
    return rows


def cost_rows(groups):
    """What methods cost and what they reach: table 2 of Lee et al., with bytes as well."""
    rows = [["system", "parameters", "MACs", "MACs per 1 s", "bytes of the smallest file", "log loss", "accuracy %"]]
    for title, runs in groups.items():
        account, frames = runs[0].account, [run.devices for run in runs]
        per_second, size = account.macs_per_second(), smallest_file(runs[0])
        rows.append([
            title, f"{runs[0].account.trainable_parameters():,}", f"{account.operations().macs:,}",
            "-" if per_second is None else f"{per_second:,}", "-" if size is None else f"{size:,}",
            _of(frames, "all", 3, "log_loss"), _of(frames, "all", 1),
        ])  # fmt: skip
    return rows


def duration_rows(groups):
    """Log loss / accuracy by the length of what is classified at once: table 3 of Lee et al.; no row if unknown."""
    lengths = sorted({seconds for runs in groups.values() for run in runs for seconds in run.durations})
    rows = [["length", *groups]]
    for seconds in lengths:
        cells = []
        for runs in groups.values():
            found = [run.durations[seconds] for run in runs if seconds in run.durations]
            both = f"{_of(found, 'all', 3, 'log_loss')} / {_of(found, 'all', 1)}"
            cells.append(both if found else "-")
        rows.append([f"{seconds:g} s", *cells])
    return rows


def compression_rows(groups):
    """Compressed networks by numbers, teacher and share pruned: table 4 of Kim et al.; no row if none is compressed."""
    rows = [["method", "bits of kernels", "bits of feature maps", "teacher", "pruned", "accuracy %"]]
    for title, runs in groups.items():
        asked = runs[0].made_by.get("compression.json")
        if isinstance(asked, dict):
            bits = {"int8": "8", "fp16": "16"}.get(asked.get("weights"), "?")
            maps = "8" if asked.get("activations") == "int8" else "32"
            teacher = "another run" if asked.get("teacher") else "itself, uncompressed"
            rows.append([title, bits, maps, teacher, str(asked.get("prune")), _of([r.devices for r in runs], "all", 1)])
    return rows


def metric_rows(metrics, name, seen_devices=None, published=None):
    """Accuracy, log loss and clips of each device or scene.

    Args:
        metrics: frame of `device_metrics` or `scene_metrics`.
        name: "device" or "scene".
        seen_devices: names, for a column that says which were heard; None for scenes.
        published: of `published_row`, or None.
    """
    rows = [[name, *(["in training"] if seen_devices is not None else []), "accuracy %", "log loss", "clips",
             *(["paper's accuracy %"] if published and published["accuracy"] else [])]]  # fmt: skip
    for index, row in metrics.iterrows():
        training = [] if seen_devices is None else [heard(index, seen_devices)]
        paper = []
        if published and published["accuracy"]:
            paper = [f"{published['accuracy'][index]:.1f}" if index in published["accuracy"] else "-"]
        rows.append([index, *training, f"{row.accuracy:.1f}", f"{row.log_loss:.3f}", f"{int(row.clips):,}", *paper])
    return rows


def file_rows(files):
    """Size, latency and results of exported files."""
    rows = [["file", "numbers, input", "bytes", "latency, ms", "accuracy %", "log loss", "remark"]]
    for file in files:
        rows.append([
            file.name, file.kind, f"{file.bytes:,}", "-" if file.latency_ms is None else f"{file.latency_ms:.2f}",
            spread([file.accuracy]), spread([file.log_loss], 3), file.problem,
        ])  # fmt: skip
    return rows


def verdict_rows(accounts):
    """Each year's rules for each network.

    Args:
        accounts: {name: `Account`}.
    """
    rows = [["network", "rules", "verdict", "what they limit"]]
    for name, account in accounts.items():
        for verdict in verdicts(account):
            limits = "; ".join(check_text(check) for check in verdict.checks)
            rows.append([name, f"DCASE {verdict.year}", VERDICTS[verdict.passes], limits])
    return rows


def smallest_file(run):
    """Bytes of the smallest exported file of an `Findings`, or None."""
    return min((file.bytes for file in run.files), default=None)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table for Markdown; bars and line ends in cells cannot end one."""
    cells = [[plain(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], ["---"] * len(cells[0]), *cells[1:]])


def csv_text(rows):
    """A table as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def plain(cell):
    """Text that is nothing but text in Markdown, on one line."""
    for character, instead in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`"), ("\n", " ")):
        cell = cell.replace(character, instead)
    return cell


def heard(index, seen_devices):
    """Whether a row of `device_metrics` is of a device that training heard: "yes", "no", or "" of all."""
    if index in SUMMARY:
        return {"seen": "yes", "unseen": "no", "all": ""}[index]
    return "yes" if index in seen_devices else "no"


def _of(frames, name, digits, column="accuracy", alone=False):
    values = [frame[column][name] for frame in frames if name in frame.index]
    return spread([np.mean(values)] if alone and values else values, digits)
