"""Whether a network's features tell devices apart: statistics over frequency against statistics over channels."""

import numpy as np
import pandas as pd

from asc_tf.errors import AscError, shown
from asc_tf.report.drawing import INK, MARKERS, SERIES, drawn, shortened

STATISTICS = {"frequency-wise": (2, 3), "channel-wise": (1, 2)}
"""{name: axes of features [clips, frequency, time, channel] over which mean and deviation are taken}"""
_FOLDS = 5


def feature_statistics(features):
    """Mean and standard deviation of features, concatenated.

    Args:
        features: [clips, frequency, time, channel].

    Returns:
        {"frequency-wise": [clips, 2 * frequency], "channel-wise": [clips, 2 * channel]}.

    Reference: Kim et al., DCASE Workshop 2021, figure 1 and equation 2.
    """
    return {
        name: np.concatenate([features.mean(axis=axes), features.std(axis=axes)], axis=1)
        for name, axes in STATISTICS.items()
    }


def probe_accuracy(statistics, devices, groups, seed=0):
    """How well a linear classifier tells the devices of clips that it was not fitted on.

    Logistic regression on standardized statistics, in five folds; the clips of one group are in one fold, since a
    recording through two devices would be known again by what is heard in it.

    Args:
        statistics: [clips, n].
        devices: names [clips].
        groups: of clips that belong together, such as locations [clips].
        seed: of the folds.

    Returns:
        Mean over the devices of the share of their clips that is told right, in percent; chance is 100 / devices.

    Raises:
        AscError: fewer than two devices, or a device without clips of two groups.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    devices, groups = np.asarray(devices), np.asarray(groups)
    names = np.unique(devices)
    if len(names) < 2:
        raise AscError(f"the training clips are of {len(names)} device; expected two or more to tell apart")
    counts = {name: len(np.unique(groups[devices == name])) for name in names}
    folds = min(_FOLDS, *counts.values())
    if folds < 2:
        least = str(min(counts, key=counts.get))
        raise AscError(
            f"device {shown(least)} has training clips of one location; expected two or more, to hold one out"
        )
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return 100 * balanced_accuracy_score(
        devices, cross_val_predict(probe, statistics, devices, cv=split, groups=groups)
    )


def embedded(statistics, seed=0):
    """t-SNE of standardized statistics [clips, n]: places [clips, 2], without a unit."""
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    perplexity = min(30.0, (len(statistics) - 1) / 3)
    values = StandardScaler().fit_transform(statistics)
    # Its threads wait for each other in loops: on a busy machine several took ten times as long as one.
    with threadpool_limits(1):
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(values)


def device_map(features, clips, seed=0):
    """t-SNE places of clips by either kind of statistics, and what a linear probe makes of these.

    Args:
        features: of a stage of a network [clips, frequency, time, channel].
        clips: frame of `read_clips`, in their order.
        seed: of t-SNE and of the probe's folds.

    Returns:
        (frame with columns statistics, clip_id, device, scene, x, y; {name of statistics: percent}).
    """
    frames, accuracies = [], {}
    for name, statistics in feature_statistics(features).items():
        accuracies[name] = probe_accuracy(statistics, clips.device, clips.location, seed)
        places = embedded(statistics, seed)
        table = clips[["clip_id", "device", "scene"]].reset_index(drop=True)
        frames.append(table.assign(x=places[:, 0], y=places[:, 1]))
        frames[-1].insert(0, "statistics", name)
    return pd.concat(frames, ignore_index=True), accuracies


def device_map_chart(name, places, accuracies):
    """Figure 1 of Kim et al., DCASE Workshop 2021: `device_map` as a chart, one panel a kind of statistics."""
    title = "t-SNE of stage 2's statistics by device: " + ", ".join(
        f"{kind} {accuracy:.1f} % told by a linear probe" for kind, accuracy in accuracies.items()
    )
    return drawn(_maps, name, title, (9.2, 4.6), places, accuracies)


def _maps(figure, places, accuracies):
    devices = sorted(places.device.unique())
    for axis, (kind, accuracy) in zip(figure.subplots(1, len(accuracies)), accuracies.items(), strict=True):
        for number, device in enumerate(devices):
            these = places[(places.statistics == kind) & (places.device == device)]
            axis.plot(these.x, these.y, MARKERS[number % len(MARKERS)], color=SERIES[number % len(SERIES)],
                      markersize=4.5, markeredgecolor=INK, markeredgewidth=0.3, label=shortened(device))  # fmt: skip
        axis.set(title=f"{kind} mean and deviation\nlinear probe: {accuracy:.1f} % (chance {100 / len(devices):.1f} %)",
                 xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)")  # fmt: skip
        axis.grid(visible=False)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=min(len(devices), 9))
