"""An `Evidence`'s windows put one behind the other: features, scores and shares over the time of the recording."""

import numpy as np

_SHOWN_DECIBELS = 80


def features_over_time(evidence):
    """(float32 [frequency, time], NaN where a window is silent; the seconds that they last)."""
    places = evidence.places
    frames = round(evidence.window_seconds / places.hop_seconds)
    parts = []
    for _, frame, _, window in evidence.shown():
        features = np.full(places.features, np.nan, np.float32) if window is None else window.features
        parts.append(features[:, frame:frames])  # centred frames: the one at the very end is the next window's first
    image = np.concatenate(parts, axis=1) if parts else np.zeros((places.features[0], 0), np.float32)
    return image, image.shape[1] * places.hop_seconds


def shown_range(features, decibels_per_unit):
    """(lowest, highest) value that a picture of features shows: of a logarithm of power the upper 80 dB, else all.

    Args:
        features: array; NaN where there are none.
        decibels_per_unit: of the features; None where they are no logarithm of power.
    """
    if not np.isfinite(features).any():
        return 0.0, 1.0
    low, high = float(np.nanmin(features)), float(np.nanmax(features))
    if decibels_per_unit is not None:
        low = max(low, high - _SHOWN_DECIBELS / decibels_per_unit)
    return low, high


def softmax(scores):
    """Probabilities [..., classes] of scores."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def relative(scores):
    """Scores [..., classes] above the mean of the classes at the same place, which softmax takes no notice of."""
    return scores - scores.mean(axis=-1, keepdims=True)


def scores_over_time(evidence):
    """`relative` scores [frequency, time, classes] of each window in which there is sound, whole."""
    return [relative(window.scores) for window in evidence.windows if window is not None]


def shares_over_time(evidence):
    """(seconds [time], shares [time, classes]) of each window in which there is sound, no part twice.

    The softmax of the scores' mean over frequency: what the network would say if the recording were this column alone.
    """
    series = []
    for start, _, column, window in evidence.heard():
        means = window.scores[:, column:].mean(axis=0)
        times = start + (np.arange(len(means)) + 0.5) * evidence.places.seconds_each
        series.append((times, softmax(means)))
    return series
