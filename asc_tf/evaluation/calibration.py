"""Calibration: how well a network's confidence predicts its accuracy."""

from __future__ import annotations

import numpy as np
import pandas as pd


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
