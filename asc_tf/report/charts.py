"""The charts of one run."""

import numpy as np
from matplotlib.patches import Patch, Rectangle

from asc_tf.evaluation.metrics import SUMMARY
from asc_tf.report.drawing import HATCHES, INK, SERIES, drawn, shortened


def learning_curves(name, history):
    """Loss and accuracy of training and validation over the epochs.

    Args:
        name: of the chart, see `drawn`.
        history: frame of `read_history`.
    """
    panels = [
        (label, [(column, state) for column, state in columns if column in history])
        for label, columns in (
            ("loss (cross-entropy, nats)", [("loss", "training"), ("val_loss", "validation")]),
            ("accuracy (%)", [("accuracy_percent", "training"), ("val_accuracy_percent", "validation")]),
        )
    ]
    panels = [(label, columns) for label, columns in panels if columns]
    title = f"Loss and accuracy of training and validation over {len(history)} epochs"
    return drawn(_curves, name, title, (4.6 * len(panels), 3), history, panels)


def _curves(figure, history, panels):
    for axis, (label, columns) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for number, (column, state) in enumerate(columns):
            marker = "os"[number] if len(history) == 1 else None
            axis.plot(history.epoch, history[column], "-" if number == 0 else "--", label=state, color=SERIES[number],
                      linewidth=1.6, marker=marker)  # fmt: skip
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()


def device_bars(name, metrics, seen_devices, published):
    """Accuracy and log loss of each device; bars of unseen ones are hatched, diamonds are the paper's.

    Args:
        name: of the chart, see `drawn`.
        metrics: frame of `device_metrics`.
        seen_devices: names.
        published: of `asc_tf.experiment.published.published_row`.
    """
    title = "Accuracy and log loss of each device, seen and unseen ones together, and all"
    width = max(5.5, 1.6 + 0.5 * len(metrics))
    return drawn(_devices, name, title, (width, 5.2), metrics, set(seen_devices), published)


def _devices(figure, metrics, seen_devices, published):
    axes = figure.subplots(2, 1, sharex=True)
    groups = [index for index in SUMMARY if index in metrics.index]
    places = np.arange(len(metrics)) + 0.6 * np.array([index in groups for index in metrics.index])
    unseen = [index == "unseen" or (index not in groups and index not in seen_devices) for index in metrics.index]
    for axis, (column, label, digits) in zip(
        axes, [("accuracy", "accuracy (%)", 1), ("log_loss", "log loss (nats)", 2)], strict=True
    ):
        bars = axis.bar(places, metrics[column], 0.72, color=SERIES[0], edgecolor=INK, linewidth=0.6)
        for bar, hatched in zip(bars, unseen, strict=True):
            if hatched:
                bar.set(facecolor=SERIES[1], hatch=HATCHES[1])
        axis.bar_label(bars, [f"{value:.{digits}f}" for value in metrics[column]], padding=2, fontsize=7.5)
        paper = published[column]
        known = [(place, paper[index]) for place, index in zip(places, metrics.index, strict=True) if index in paper]
        if known:
            axis.plot(*zip(*known, strict=True), "D", color=SERIES[2], markeredgecolor=INK, markersize=6, zorder=3)
        axis.set_ylabel(label)
        axis.grid(axis="x", visible=False)
        axis.margins(y=0.12)
    names = [shortened(index) for index in metrics.index]
    axes[1].set_xticks(places, names, rotation=45 if max(map(len, names)) > 6 else 0, rotation_mode="anchor",
                       ha="right" if max(map(len, names)) > 6 else "center")  # fmt: skip
    axes[1].set_xlabel("device")
    marks = [Patch(facecolor=SERIES[0], edgecolor=INK, label="heard in training")]
    if any(unseen):
        marks.append(Patch(facecolor=SERIES[1], edgecolor=INK, hatch=HATCHES[1], label="unseen"))
    if published["accuracy"] or published["log_loss"]:
        marks += [axes[0].plot([], [], "D", color=SERIES[2], markeredgecolor=INK, label="the paper's")[0]]
    figure.legend(handles=marks, loc="outside upper right", ncols=3)


def confusion_chart(name, confusion):
    """Clips by true and predicted scene: the darker, the larger the share of the true scene's clips.

    Args:
        name: of the chart, see `drawn`.
        confusion: frame of `confusion_matrix`.
    """
    side = max(4.5, 1.8 + 0.42 * len(confusion))
    title = "Numbers of clips by true scene (rows) and predicted scene (columns)"
    return drawn(_confusion, name, title, (side + 0.6, side), confusion)


def _confusion(figure, confusion):
    axis, clips = figure.subplots(), confusion.to_numpy()
    shares = clips / np.maximum(clips.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(clips):
        alpha = 0.75 * shares[row, column]
        colour = SERIES[0] if row == column else SERIES[1]
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, alpha=alpha, linewidth=0))
        if count:
            weight = "bold" if row == column else "normal"
            axis.text(column, row, str(count), ha="center", va="center", fontsize=7.5, fontweight=weight)
    names, numbers = [shortened(scene) for scene in confusion.index], range(len(clips))
    axis.set(xlim=(-0.5, len(clips) - 0.5), ylim=(len(clips) - 0.5, -0.5), xlabel="predicted scene (clips)")
    axis.set_ylabel("true scene")
    axis.set_xticks(numbers, names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(numbers, names)
    axis.set_aspect("equal")
    axis.grid(visible=False)


def reliability_chart(name, table, error):
    """Accuracy against confidence, with the clips of each bin below.

    Args:
        name: of the chart, see `drawn`.
        table: frame of `asc_tf.evaluation.calibration.reliability`.
        error: expected calibration error of it, a share of 1.
    """
    title = f"Accuracy against confidence; expected calibration error {100 * error:.1f} %"
    return drawn(_reliability, name, title, (4.6, 4.4), table, error)


def _reliability(figure, table, error):
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    middle, width = 50 * (table.low + table.high), 100 * (table.high - table.low)
    above.bar(middle, 100 * table.accuracy.fillna(0), width, color=SERIES[0], edgecolor=INK, linewidth=0.6,
              label="accuracy in the bin")  # fmt: skip
    above.plot([0, 100], [0, 100], "--", color=INK, linewidth=1.2, label="confidence = accuracy")
    above.set(ylabel="accuracy (%)", ylim=(0, 100), title=f"ECE {100 * error:.1f} %, {int(table.clips.sum())} clips")
    above.legend(loc="upper left")
    below.bar(middle, table.clips, width, color=SERIES[1], edgecolor=INK, hatch=HATCHES[1], linewidth=0.6)
    below.set(xlabel="confidence (%)", ylabel="clips", xlim=(0, 100))
