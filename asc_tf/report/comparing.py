"""The charts of several runs side by side."""

import numpy as np
from matplotlib.ticker import MaxNLocator, NullFormatter

from asc_tf.evaluation.metrics import SUMMARY
from asc_tf.report.drawing import INK, MARKERS, SERIES, drawn, shortened


def device_comparison(name, groups, seen_devices):
    """Mean accuracy of each group of runs on each device, with the deviation over its seeds.

    Args:
        name: of the chart, see `drawn`.
        groups: {title: {device: accuracies in percent, one a seed}}.
        seen_devices: names.
    """
    devices = list(dict.fromkeys(device for group in groups.values() for device in group))
    title = f"Accuracy of {len(groups)} groups of runs on each device"
    width = max(6.5, 0.55 * len(devices) + 1.5)
    height = 3.4 + 0.18 * len(groups)
    return drawn(_by_device, name, title, (width, height), groups, devices, set(seen_devices))


def _by_device(figure, groups, devices, seen_devices):
    axis, offsets = figure.subplots(), np.linspace(-0.25, 0.25, len(groups)) if len(groups) > 1 else [0]
    for number, (title, group) in enumerate(groups.items()):
        known = [(place, group[device]) for place, device in enumerate(devices) if device in group]
        axis.errorbar(
            [place + offsets[number] for place, _ in known],
            [np.mean(values) for _, values in known],
            [np.std(values, ddof=1) if len(values) > 1 else 0 for _, values in known],
            **_style(number, title, 6),
        )
    for place in range(len(devices) - 1):
        axis.axvline(place + 0.5, color=INK, linewidth=0.3)
    marked = [device if device in (*seen_devices, *SUMMARY) else f"{device}*" for device in devices]
    axis.set_xticks(range(len(devices)), [shortened(device, 10) for device in marked])
    axis.set(xlabel="device (* unseen in training)", ylabel="accuracy (%)", xlim=(-0.5, len(devices) - 0.5))
    axis.grid(axis="x", visible=False)
    figure.legend(loc="outside lower left", ncols=1 if len(groups) > 3 else 2)


def cost_comparison(name, groups, costs):
    """Accuracy on all devices against what networks cost, as Lee et al., DCASE Workshop 2022, figure 3.

    Args:
        name: of the chart, see `drawn`.
        groups: {title: accuracies in percent, one a seed}.
        costs: {label of the axis: {title: number}}.
    """
    title = f"Accuracy of {len(groups)} groups of runs against {', '.join(costs)}"
    return drawn(_by_cost, name, title, (3.4 * len(costs), 3.2 + 0.18 * len(groups)), groups, costs)


def _by_cost(figure, groups, costs):
    axes = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axis, (label, numbers) in zip(axes, costs.items(), strict=True):
        for number, (title, accuracies) in enumerate(groups.items()):
            size = 7 + 3 * min(3, len(groups) - 1 - number)  # a point behind another one of the same place is seen
            axis.errorbar(
                [numbers[title]], [np.mean(accuracies)], [np.std(accuracies, ddof=1) if len(accuracies) > 1 else 0],
                **_style(number, title, size),
            )  # fmt: skip
        axis.set_xlabel(label)
        axis.margins(x=0.2, y=0.2)
        if max(numbers.values()) > 5 * min(numbers.values()):
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
        else:
            axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.xaxis.set_major_formatter(lambda value, place: _in_words(value))
    axes[0].set_ylabel("accuracy (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=1 if len(groups) > 3 else 2)


def _style(number, title, size):
    """How the points of a group are drawn, with the deviation of each."""
    return {
        "fmt": MARKERS[number % len(MARKERS)], "color": SERIES[number % len(SERIES)], "markeredgecolor": INK,
        "markeredgewidth": 0.5, "markersize": size, "capsize": 3, "label": shortened(title, 60),
    }  # fmt: skip


def _in_words(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
