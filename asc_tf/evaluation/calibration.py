"""Calibration: how well a network's confidence predicts its accuracy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from asc_tf.evaluation.metrics import device_groups


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> pd.DataFrame:
    """Confidence and accuracy of the clips, in bins of equal width by confidence.

    Args:
        confidence: largest probability of each clip [clips].
        right: whether the clip's answer is right, bool [clips].
        bins: number of bins over 0 to 1; each includes its upper edge.

    Returns:
        Frame with a row per bin and columns low, high (edges), clips, confidence and accuracy (means, shares of 1; NaN
        for a bin without clips).

    Reference: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    edges = np.linspace(0, 1, bins + 1)
    # A confidence that was written and read back may differ from an edge in its last bits.
    number = np.clip(np.ceil(confidence * bins - 1e-9).astype(int) - 1, 0, bins - 1)
    clips = np.bincount(number, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = {
            name: np.bincount(number, values, minlength=bins) / clips
            for name, values in (("confidence", confidence), ("accuracy", right.astype(float)))
        }
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "clips": clips, **means})


def expected_calibration_error(table: pd.DataFrame) -> float:
    """ECE = sum over bins of clips / all clips * |accuracy - confidence|, a share of 1.

    Args:
        table: frame of `reliability`.
    """
    gaps = (table.accuracy - table.confidence).abs().fillna(0)
    return float((gaps * table.clips).sum() / table.clips.sum())


def calibration_errors(predictions: pd.DataFrame) -> dict[str, float]:
    """Errors of the probabilities of clips.

    Args:
        predictions: frame of `asc_tf.evaluation.metrics.predictions_frame`.

    Returns:
        accuracy and ece (`expected_calibration_error`) in percent, brier (sum over the scenes of the squared
        difference between probability and truth, 0 to 2) and log_loss, means over clips.

    Reference: Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950.
    """
    return {
        "accuracy": 100 * float((predictions.predicted == predictions.scene).mean()),
        "ece": 100 * expected_calibration_error(reliability_of(predictions)),
        "brier": brier_score(predictions),
        "log_loss": float(predictions.log_loss.mean()),
    }


def brier_score(predictions: pd.DataFrame) -> float:
    """Mean over clips of the sum over scenes of (probability - truth)^2; argument of `calibration_errors`."""
    probabilities = predictions.filter(like="p(")
    truth = np.stack([predictions.scene == name[2:-1] for name in probabilities.columns], axis=1)
    return float(((probabilities.to_numpy() - truth) ** 2).sum(axis=1).mean())


def reliability_of(predictions: pd.DataFrame) -> pd.DataFrame:
    """`reliability` of the clips of a `predictions_frame`."""
    return reliability(predictions.filter(like="p(").max(axis=1), predictions.predicted == predictions.scene)


def device_calibration(predictions: pd.DataFrame, seen_devices) -> tuple[pd.DataFrame, dict]:
    """Calibration of each device, and of "seen", "unseen" and "all".

    Args:
        predictions: frame of `predictions_frame`.
        seen_devices: devices of the training clips.

    Returns:
        (frame with a row for each and columns ece in percent and brier,
        {row: list of the bins of `reliability` that hold clips, as dicts}).
    """
    errors, curves = {}, {}
    for name, chosen in device_groups(predictions, seen_devices).items():
        if chosen.any():
            table = reliability_of(predictions[chosen])
            errors[name] = {"ece": 100 * expected_calibration_error(table), "brier": brier_score(predictions[chosen])}
            curves[name] = table[table.clips > 0].to_dict("records")
    return pd.DataFrame.from_dict(errors, orient="index"), curves
