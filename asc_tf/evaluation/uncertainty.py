"""Below which confidence an answer is called uncertain, by clips that the network was not trained on."""

import numpy as np

KEPT_SHARE = 0.95
FEWEST_CLIPS = 20


def uncertain_below(confidences, right):
    """The confidence that 95 % of the right answers reach.

    An answer below it is less sure than nearly all that the network gets right: an unusual clip, or a sound that is
    none of its scenes. That share is the customary one where unknown inputs are to be told from known ones
    (Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017,
    take the confidence as the score; later work reports it at 95 % of the known ones kept).

    Args:
        confidences: probability of the first scene of each clip, [clips].
        right: whether that scene is the clip's, bool [clips].

    Returns:
        A probability, or None where fewer than 20 clips are right: they say too little.
    """
    kept = np.sort(np.asarray(confidences, float)[np.asarray(right, bool)])
    if len(kept) < FEWEST_CLIPS:
        return None
    return float(kept[int((1 - KEPT_SHARE) * len(kept))])
