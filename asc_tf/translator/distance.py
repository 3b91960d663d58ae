"""The distance between two log-mel spectrograms, which measures the quality of a translation."""

import numpy as np
import pandas as pd

DB = 10 / np.log(10)  # of one unit of the natural logarithm of power


def log_mel_distance_db(x, y):
    """Root mean square difference of log-mel spectrograms over all bins and frames, [clips], in dB.

    The level counts: a clip that is 6 dB too loud and otherwise the same is 6 dB away.

    Args:
        x, y: [clips, frequency, time], natural logarithm of power.
    """
    difference = np.asarray(x, np.float64) - np.asarray(y, np.float64)
    return DB * np.sqrt(np.mean(difference**2, axis=(1, 2)))


def distance_table(devices, distances):
    """Mean distances to the real clips, by target device and over all; ratio is translated to untranslated.

    Args:
        devices: target device of each clip.
        distances: {"untranslated", "filtered" (the mean difference of the training pairs added) and "translated": in
            dB, [clips]}.

    Returns:
        A frame, a row for each device and "all".
    """
    frame = pd.DataFrame({"device": np.asarray(devices), **distances})
    values = [*distances]
    table = frame.groupby("device")[values].mean()
    table.insert(0, "pairs", frame.groupby("device").size())
    table.loc["all"] = [len(frame), *frame[values].mean()]
    table["pairs"] = table.pairs.astype(int)
    table["ratio"] = table.translated / table.untranslated
    return table
