"""The confidence below which an answer is called uncertain, from clips that the network was not trained on."""

import numpy as np

KEPT_SHARE = 0.95
FEWEST_CLIPS = 20


def uncertain_below(confidences, right):
    """The confidence that 95 % of the right answers reach.

    An answer below it is less sure than nearly all right answers of the network: an unusual clip, or a sound that is
    none of the scenes. The share of 95 % is customary for telling unknown inputs from known ones (Hendrycks and Gimpel,
    "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017, use the confidence as the
    score; later work reports it with 95 % of the known ones kept).

    Args:
        confidences: probability of the first scene of each clip, [clips].
        right: whether that scene is the clip's, bool [clips].

    Returns:
        A probability, or None if fewer than 20 clips are right: too few to tell.
    """
    kept = np.sort(np.asarray(confidences, float)[np.asarray(right, bool)])
    if len(kept) < FEWEST_CLIPS:
        return None
    return float(kept[int((1 - KEPT_SHARE) * len(kept))])
