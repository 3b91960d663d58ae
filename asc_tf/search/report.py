"""Results of a search: table, Pareto front, winner."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from asc_tf.atomic import whole_file
from asc_tf.terminal import table_text

OBJECTIVES = {
    "accuracy": ("max", "accuracy %"),
    "log_loss": ("min", "log loss"),
    "worst_device": ("max", "accuracy % of the worst device"),
    "unseen_gap": ("min", "accuracy % of seen minus unseen devices"),
}
"""{name: (direction, words)}; all are measured on the validation part"""


_TITLES = {
    "accuracy": "accuracy %",
    "worst_device": "worst device %",
    "unseen_gap": "unseen gap %",
    "log_loss": "log loss",
    "macs": "MACs",
    "latency_ms": "ms",
    "ram_bytes": "RAM",
    "flash_bytes": "flash",
    "arena_bytes": "arena",
}


def winner(trials, objective):
    """Index of the best trial among those trained longest; None if no trial has ended well.

    Args:
        trials: frame with a column `status`, "epochs" and the objective's.
        objective: key of OBJECTIVES.
    """
    ended = trials[trials.status == "COMPLETED"]
    if not len(ended):
        return None
    scores = ended[ended.epochs == ended.epochs.max()][objective]
    return scores.idxmax() if OBJECTIVES[objective][0] == "max" else scores.idxmin()


def pareto_front(costs, scores, direction):
    """Whether no other point is at least as good in cost and score and better in one of the two.

    Args:
        costs, scores: [points].
        direction: "max" or "min" of the scores; low costs are better.
    """
    costs = np.asarray(costs, float)
    gains = np.asarray(scores, float) * (1 if direction == "max" else -1)
    as_good = (costs[None] <= costs[:, None]) & (gains[None] >= gains[:, None])
    better = (costs[None] < costs[:, None]) | (gains[None] > gains[:, None])
    return ~(as_good & better).any(axis=1)


def trials_table(trials, objective):
    """A text with a row per trial, best first, failed ones last."""
    columns = trials.drop(columns=["seconds", "message", "arena_is_measured"], errors="ignore").dropna(
        axis=1, how="all"
    )
    ascending = OBJECTIVES[objective][0] == "min"
    columns = columns.sort_values(["epochs", objective], ascending=[False, ascending], na_position="last")
    texts = {"accuracy": "{:.1f}", "worst_device": "{:.1f}", "unseen_gap": "{:+.1f}", "log_loss": "{:.3f}",
             "parameters": "{:,.0f}", "bytes": "{:,.0f}", "macs": "{:,.0f}", "latency_ms": "{:.2f}",
             "ram_bytes": "{:,.0f}", "flash_bytes": "{:,.0f}", "arena_bytes": "{:,.0f}",
             "lambda": "{:.4g}", "dropout": "{:.4g}", "learning_rate": "{:.4g}", "epochs": "{:.0f}"}  # fmt: skip
    for name, form in texts.items():
        if name in columns:
            columns[name] = ["" if pd.isna(value) else form.format(value) for value in columns[name]]
    rows = columns.astype(object).where(columns.notna(), "").astype(str).to_numpy().tolist()
    return table_text([[_TITLES.get(name, name) for name in columns], *rows])


def on_chip(trial):
    """A line on RAM and flash of a trial of the table on a microcontroller; none if no budget limits them."""
    if pd.isna(trial.get("ram_bytes")):
        return []
    by = "measured by tflite-micro" if trial.arena_is_measured else "estimated; tflite-micro, if installed, measures it"
    return [
        f"on a microcontroller: {trial.ram_bytes:,.0f} bytes of RAM with an arena of {trial.arena_bytes:,.0f} ({by}), "
        f"{trial.flash_bytes:,.0f} bytes of flash without the interpreter's code"
    ]


def write_pareto_picture(path, trials, objective):
    """Draw the objective against bytes and against MACs, a point per trial, with both Pareto fronts.

    Args:
        path: of the PNG file.
        trials: frame as for `winner`, with columns bytes and macs; small points are shorter trainings.
        objective: key of OBJECTIVES.
    """
    direction, words = OBJECTIVES[objective]
    ended = trials[trials.status == "COMPLETED"]
    best = winner(trials, objective)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, (cost, scale, label) in zip(
        figure.subplots(1, 2, sharey=True),
        (("bytes", 1024, "KB of parameters"), ("macs", 1e6, "million MACs a clip")),
        strict=True,
    ):
        x, y = ended[cost] / scale, ended[objective]
        front = pareto_front(x, y, direction)
        longest = ended.epochs == ended.epochs.max()
        for chosen, color in ((~front, "0.65"), (front, "C0")):
            axis.scatter(x[chosen], y[chosen], s=np.where(longest, 42, 14)[chosen], color=color, zorder=2)
        order = np.argsort(x[front].to_numpy(), kind="stable")
        axis.step(x[front].to_numpy()[order], y[front].to_numpy()[order], where="post", color="C0", zorder=1)
        axis.annotate(
            "winner", (x[best], y[best]), (0, 12), textcoords="offset points", ha="center", color="C3",
            arrowprops={"arrowstyle": "-", "color": "C3"},
        )  # fmt: skip
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
        axis.margins(0.12)
    figure.axes[0].set_ylabel(f"{words}, validation")
    figure.suptitle(f"blue: not outdone; small: fewer than {ended.epochs.max():.0f} epochs", fontsize="medium")
    with whole_file(path) as part:
        figure.savefig(part, dpi=110, format="png")
