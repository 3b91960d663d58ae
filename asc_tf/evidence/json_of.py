"""Evidence for programs: what JSON can hold."""

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
        "places": _places_of(evidence.places),
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


def _places_of(places):
    """Edges in Hz of each row and in seconds of each column, and of what they see, None where that is not known."""
    edges, hop = places.edges_hz, places.hop_seconds
    last_bin, last_frame = places.features[0] - 1, places.features[1] - 1
    rows = [(row * places.bins_each, (row + 1) * places.bins_each - 1) for row in range(places.shape[0])]
    columns = [(each * places.frames_each, (each + 1) * places.frames_each - 1) for each in range(places.shape[1])]

    def in_hz(bounds):
        return bounds and [[float(edges[first]), float(edges[min(last, last_bin) + 2])] for first, last in bounds]

    def in_seconds(bounds):
        return bounds and [[first * hop, (min(last, last_frame) + 1) * hop] for first, last in bounds]

    return {
        "rows_hz": in_hz(rows),
        "columns_seconds": in_seconds(columns),
        "rows_see_hz": in_hz(places.rows),
        "columns_see_seconds": in_seconds(places.columns),
    }
