"""Evidence as a picture: spectrogram, the likeliest scenes' scores over it, scenes over time. Needs matplotlib."""

import numpy as np

from asc_tf.atomic import whole_file
from asc_tf.errors import not_installed
from asc_tf.evidence.series import features_over_time, scores_over_time, shares_over_time, shown_range

_TICKS_HZ = (200, 500, 1000, 2000, 4000, 8000, 16000, 24000)
_STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_LEVELS = 4  # of contours on either side of 0


def write_figure(path, evidence, title, scenes=3):
    """Write a PNG file.

    Args:
        path: of the file, which appears whole or not at all.
        evidence: an `Evidence`.
        title: such as the name of the recording.
        scenes: how many are shown, the likeliest first.

    Raises:
        AscError: matplotlib is not installed.
    """
    figure = _figure(evidence, title, scenes)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _figure(evidence, title, scenes):
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise not_installed("the picture", "matplotlib", "report", ", or print --json") from None
    shown = evidence.ranked(scenes) if evidence.confidence else []
    figure = Figure(figsize=(11, 2.6 * (len(shown) + 2)), layout="constrained")
    axes = figure.subplots(len(shown) + 2, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(f"{title}: {evidence.sentence()}\n{evidence.places.sentence()}", parse_math=False)
    _show_features(figure, axes[0], evidence)
    largest = max((np.abs(scores[:, :, shown]).max() for scores in scores_over_time(evidence)), default=0)
    for each, scene in zip(axes[1:], shown, strict=False):
        _show_scores(figure, each, evidence, scene, limit=_LEVELS * (_round_step(largest / _LEVELS)))
    _show_shares(axes[-1], evidence, shown)
    for each in axes:
        _mark_windows(each, evidence)
    axes[-1].set_xlabel("time / s")
    axes[-1].set_xlim(0, max(evidence.seconds, evidence.window_seconds))
    return figure


def _round_step(least):
    """The next step not below a positive number that reads well: one digit, 1.5 or 2.5, times a power of ten."""
    if not least > 0:
        return 1.0
    power = 10 ** np.floor(np.log10(least))
    return float(next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= least))


def _show_features(figure, axes, evidence):
    image, seconds = features_over_time(evidence)
    decibels = evidence.places.decibels_per_unit
    low, high = (value * (decibels or 1) for value in shown_range(image, decibels))
    drawn = axes.imshow(
        image * (decibels or 1), origin="lower", aspect="auto", cmap="Greys", extent=(0, seconds, 0, len(image)),
        vmin=low, vmax=high,
    )  # fmt: skip
    figure.colorbar(drawn, ax=axes, label="level / dB" if decibels else evidence.frontend, pad=0.01)
    axes.set_title("what the network gets: mel spectrogram", loc="left", fontsize="medium")
    _label_frequency(axes, evidence)


def _show_scores(figure, axes, evidence, scene, limit):
    """Contours as well as colours: solid for the scene, dashed against it, so that grey tells them apart."""
    image, seconds = features_over_time(evidence)
    axes.imshow(image, origin="lower", aspect="auto", cmap="Greys", alpha=0.55, extent=(0, seconds, 0, len(image)))
    places = evidence.places
    levels = limit * np.linspace(-1, 1, 2 * _LEVELS + 1)
    drawn = None
    for (start, scores), (_, _, column, _) in zip(_scored(evidence), evidence.heard(), strict=True):
        columns = np.arange(column, scores.shape[1])
        times = start + (columns - column + 0.5) * places.seconds_each
        bins = places.first_bin + (np.arange(scores.shape[0]) + 0.5) * places.bins_each
        if len(columns) < 2:
            continue
        part = scores[:, column:, scene]
        drawn = axes.contourf(times, bins, part, levels=levels, cmap="PuOr_r", alpha=0.5, extend="both")
        axes.contour(times, bins, part, levels=levels[levels != 0], colors="black", linewidths=0.7)
    if drawn is not None:
        figure.colorbar(drawn, ax=axes, label="score (logit)", pad=0.01)
    share = 100 * evidence.probabilities[scene]
    mean = np.mean([scores[:, :, scene].mean() for _, scores in _scored(evidence)])
    axes.set_title(
        f"{evidence.labels[scene]} {share:.1f} %: score of each place above the mean scene, on average {mean:+.2f} "
        "(solid for it, dashed against it)",
        loc="left", fontsize="medium", parse_math=False,
    )  # fmt: skip
    _label_frequency(axes, evidence)


def _scored(evidence):
    """(start in seconds, relative scores [frequency, time, classes]) of each window in which there is sound."""
    return zip([each[0] for each in evidence.heard()], scores_over_time(evidence), strict=True)


def _show_shares(axes, evidence, shown):
    for scene, style in zip(shown, [*_STYLES] * len(shown), strict=False):
        for number, (times, shares) in enumerate(shares_over_time(evidence)):
            label = evidence.labels[scene] if number == 0 else None
            grey = str(0.55 * shown.index(scene) / max(1, len(shown) - 1))
            axes.plot(times, 100 * shares[:, scene], linestyle=style, color=grey, label=label, linewidth=1.8)
    axes.set_ylim(-2, 102)
    axes.set_ylabel("share / %")
    axes.set_title("scenes over time: softmax of the scores' mean over frequency", loc="left", fontsize="medium")
    if shown:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=len(shown), frameon=False)


def _mark_windows(axes, evidence):
    """Where a window begins, and what is silent or repeated."""
    for start, _, _, window in evidence.shown():
        if start > 0:
            axes.axvline(start, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
        if window is None:
            axes.axvspan(start, min(start + evidence.window_seconds, evidence.seconds), hatch="//", fill=False, lw=0)
            middle = (start + min(start + evidence.window_seconds, evidence.seconds or evidence.window_seconds)) / 2
            box = {"facecolor": "white", "edgecolor": "none"}
            axes.text(middle, 0.5, "silence", transform=axes.get_xaxis_transform(), ha="center", va="center", bbox=box)
    if 0 < evidence.seconds < evidence.window_seconds:
        axes.axvline(evidence.seconds, color="black", linewidth=1.5)
        axes.text(
            evidence.seconds, 0.95, " repeated to fill a window",
            transform=axes.get_xaxis_transform(), va="top", fontsize="small",
        )  # fmt: skip


def _label_frequency(axes, evidence):
    marks = evidence.places.marks(_TICKS_HZ)
    axes.set_yticks([place for _, place in marks], [str(hz) for hz, _ in marks])
    axes.set_ylim(0, evidence.places.features[0])
    axes.set_ylabel("frequency / Hz\n(mel scale)")
