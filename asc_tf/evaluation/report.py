"""Results as text tables, as the papers print them."""

import re
import textwrap

import pandas as pd

from asc_tf.evaluation.metrics import SUMMARY, device_gaps
from asc_tf.terminal import WIDTH, table_text


def device_table(metrics):
    """One run: devices in columns, accuracy in percent and log loss in rows, then each one's gap to the seen devices.

    The gap of "unseen" is the cost of a device that training did not include: percentage points (negative: lost) and
    added log loss.
    """
    rows = {
        "accuracy %": metrics.accuracy.map("{:.1f}".format),
        "log loss": metrics.log_loss.map("{:.3f}".format),
    }
    gaps = device_gaps(metrics).drop(index=["seen", "all"], errors="ignore")
    if len(gaps.columns):
        rows["gap to seen, pts"] = gaps.accuracy_gap.map("{:+.1f}".format)
        rows["gap in log loss"] = gaps.log_loss_gap.map("{:+.3f}".format)
    table = pd.DataFrame(rows, index=metrics.index).fillna("").rename(index=_column).T
    return _text(table, gap=1)


def left_out_table(changes):
    """Devices in rows: clips left out, then accuracy in percent and log loss when seen and when unseen, and the change.

    Args:
        changes: frame of `asc_tf.evaluation.metrics.left_out_changes`.
    """
    columns = {("clips", "left out"): ["" if pd.isna(count) else f"{count:,}" for count in changes.clips_left_out]}
    for title, name, digits in (("accuracy %", "accuracy", 1), ("log loss", "log_loss", 3)):
        for state, sign in (("seen", ""), ("unseen", ""), ("change", "+")):
            columns[title, state] = changes[f"{name}_{state}"].map(f"{{:{sign}.{digits}f}}".format).to_list()
    return pd.DataFrame(columns, index=[*map(_column, changes.index[:-1]), changes.index[-1]]).to_string()


def seeds_table(runs):
    """Mean and standard deviation of the device metrics over runs that differ in their seed.

    Args:
        runs: {seed: frame of `device_metrics`}.

    Returns:
        (text, frame with columns accuracy_mean, accuracy_std, log_loss_mean, log_loss_std).
    """
    stacked = pd.concat(runs, names=["seed"])
    by_group = stacked.groupby(level=1, sort=False)[["accuracy", "log_loss"]]
    # ddof=1 estimates the spread of further seeds from the few at hand; a single seed gives none.
    summary = by_group.mean().add_suffix("_mean").join(by_group.std(ddof=1).add_suffix("_std"))
    text = pd.DataFrame(
        {
            _column(name): {
                **{f"accuracy %, seed {seed}": f"{run.accuracy[name]:.1f}" for seed, run in runs.items()},
                "accuracy %": f"{row.accuracy_mean:.1f} ± {row.accuracy_std:.1f}",
                "log loss": f"{row.log_loss_mean:.3f} ± {row.log_loss_std:.3f}",
            }
            for name, row in summary.iterrows()
        }
    )
    return _text(text), summary


def bench_table(results):
    """Methods in rows, as a Markdown table: mean over seeds on each device, summaries with standard deviation.

    Args:
        results: frame with columns row, title, seed, device, accuracy, log_loss; rows in the order of the table.
    """
    devices = [*(name for name in results.device.unique() if name not in SUMMARY), *SUMMARY]
    header = ["accuracy %", *(_column(name) for name in devices), "seen - unseen", "log loss", "seeds"]
    lines = [header, ["---"] * len(header)]
    for title, runs in results.groupby("title", sort=False):
        accuracy = runs.pivot(index="seed", columns="device", values="accuracy")
        log_loss = runs[runs.device == "all"].log_loss
        cells = [_spread(accuracy[name]) if name in SUMMARY else f"{accuracy[name].mean():.1f}" for name in devices]
        gap = _spread(accuracy.seen - accuracy.unseen)
        lines.append([title, *cells, gap, _spread(log_loss, 3), str(len(accuracy))])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _spread(values, digits=1):
    """Mean ± standard deviation (ddof=1), or the only value."""
    mean = f"{values.mean():.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


def changes_table(changes):
    """Devices in columns; accuracy and log loss of each state, with the change against the first in brackets.

    Args:
        changes: frame of `asc_tf.evaluation.metrics.device_changes`.
    """
    blocks = []
    for title, name, digits in (("accuracy %", "accuracy", 1), ("log loss", "log_loss", 3)):
        cells = [
            f"{row[name]:.{digits}f}"
            + (f" ({row[f'{name}_change']:+.{digits}f})" if row.step != changes.step.iloc[0] else "")
            for _, row in changes.iterrows()
        ]
        table = changes.assign(cell=cells).pivot(index="step", columns="device", values="cell")
        table = table.loc[changes.step.unique(), changes.device.unique()].rename(columns=_column)
        blocks.append(_text(table.fillna(""), title))
    return "\n".join(blocks)


_STEP_COLUMNS = {
    "step": ("", "{}"),
    "accuracy": ("accuracy %", "{:.1f}"),
    "log_loss": ("log loss", "{:.3f}"),
    "worst_change": ("worst device", "{:+.1f}"),
    "parameters": ("parameters", "{:,}"),
    "kernel_nonzeros": ("non-zeros in kernels", "{:,}"),
    "nonzero_bytes": ("bytes by the 2021 rule", "{:,}"),
    "format": ("file", "{}"),
    "file_bytes": ("bytes of it", "{:,.0f}"),
    "latency_ms": ("ms", "{:.2f}"),
    "latency_ratio": ("of uncompressed", "{:.2f}"),
}


def steps_table(steps):
    """The steps of a compression in rows; "-" for unknown values.

    Args:
        steps: frame of steps.csv of a compression.
    """
    table = {
        title: ["-" if pd.isna(value) else form.format(value) for value in steps[name]]
        for name, (title, form) in _STEP_COLUMNS.items()
    }
    return _text(pd.DataFrame(table).set_index(""), "step")


def calibration_table(errors):
    """Errors of a network's probabilities before and after a calibration.

    Args:
        errors: frame with the rows before and after, and the columns of `calibration_errors`.
    """
    table = {
        "ECE %": errors.ece.map("{:.1f}".format),
        "Brier score": errors.brier.map("{:.3f}".format),
        "log loss": errors.log_loss.map("{:.3f}".format),
        "accuracy %": errors.accuracy.map("{:.1f}".format),
    }
    return _text(pd.DataFrame(table, index=errors.index), "clips of the fit")


def scene_table(metrics, confusion):
    """Accuracy and log loss of each scene, beside the confusion matrix, whose columns have short names."""
    short = _short_names(confusion.columns)
    table = pd.DataFrame(
        {"accuracy %": metrics.accuracy.map("{:.1f}".format), "log loss": metrics.log_loss.map("{:.3f}".format)}
    )
    table = table.reindex(confusion.index, fill_value="").join(confusion.astype(str).set_axis(short, axis=1))
    names = [f"{name} {scene}" for name, scene in zip(short, confusion.columns, strict=True) if name != scene]
    legend = f"columns {short[0]} ... {short[-1]}: clips by the scene that was predicted"
    return "\n".join([_text(table, "scene", gap=1), *textwrap.wrap(f"{legend} ({', '.join(names)})", WIDTH)])


def _short_names(scenes):
    """Names of at most five characters, for columns: metro, met_s for metro_station; numbered if two agree."""
    names = []
    for number, scene in enumerate(scenes, start=1):
        first, *others = [word for word in re.split(r"[\W_]+", scene) if word] or [scene]
        name = f"{first[:3]}_{others[0][0]}" if others else first[:5]
        names.append(name if name not in names else str(number))
    return names


def _text(table, corner="", gap=2):
    """A frame of texts as `asc_tf.terminal.table_text`."""
    rows = [[str(label), *map(str, values)] for label, values in zip(table.index, table.to_numpy(), strict=True)]
    return table_text([[corner, *map(str, table.columns)], *rows], gap=gap)


def _column(name):
    return name if name in SUMMARY else name.upper()
