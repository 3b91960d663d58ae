"""Evidence for programs: what JSON can hold."""

import numpy as np

from asc_tf.evidence.series import shares_over_time


def dict_of(evidence, file, model):
    """A dict of an `Evidence`, for JSON.

    Args:
        evidence: an `Evidence`.
        file, model: names of the recording and of the model.

    Returns:
        file, model, scene, confidence, probabilities; "places": where the rows and columns of every map lie and what
        they see, in Hz and in seconds from the beginning of their window; "windows": start_seconds, is_silent, logits
        and scores {scene: [row][column]} of each, scores as the network gives them, their mean the logits; "scenes
        over time": start and shares.
    """
    labels = evidence.labels
    shares = [
        {"seconds": float(seconds), "shares": dict(zip(labels, map(float, row), strict=True))}
        for times, rows in shares_over_time(evidence)
        for seconds, row in zip(times, rows, strict=True)
    ]
    windows = [
        {"start_seconds": start, "is_silent": window is None, **_scores_of(window, labels)}
        for start, window in zip(evidence.starts_seconds, evidence.windows, strict=True)
    ]
    return {
        "file": file,
        "model": model,
        "seconds": evidence.seconds,
        "scene": evidence.scene,
        "confidence": evidence.confidence,
        "probabilities": dict(zip(labels, map(float, evidence.probabilities), strict=True)),
        "places": places_of(evidence.places),
        "window_seconds": evidence.window_seconds,
        "windows": windows,
        "scenes_over_time": shares,
    }


def _scores_of(window, labels):
    if window is None:
        return {}
    logits = window.scores.mean(axis=(0, 1))
    return {
        "logits": dict(zip(labels, map(float, logits), strict=True)),
        "scores": {label: window.scores[:, :, scene].tolist() for scene, label in enumerate(labels)},
    }


def places_of(places):
    """Edges in Hz of each row and in seconds of each column, and of what they see, None where that is not known."""
    bins, frames = (np.arange(length) for length in places.features)
    row_of = np.floor((bins - places.first_bin) / places.bins_each)
    rows = [_ends(row_of == row) for row in range(places.shape[0])]
    columns = [_ends(np.floor(frames / places.frames_each) == column) for column in range(places.shape[1])]

    def in_hz(bounds):
        return bounds and [[float(places.edges_hz[first]), float(places.edges_hz[last + 2])] for first, last in bounds]

    def in_seconds(bounds):
        return bounds and [[first * places.hop_seconds, (last + 1) * places.hop_seconds] for first, last in bounds]

    return {
        "rows_hz": in_hz(rows),
        "columns_seconds": in_seconds(columns),
        "rows_see_hz": in_hz(places.rows),
        "columns_see_seconds": in_seconds(places.columns),
    }


def _ends(chosen):
    """(first, last) number of those that are chosen, as Python's own integers."""
    numbers = np.flatnonzero(chosen)
    return int(numbers[0]), int(numbers[-1])
