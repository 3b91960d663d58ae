"""Cutting a recording into the network's windows while it is read."""

import numpy as np


def windows(blocks, samples):
    """Cut a waveform into consecutive windows; the last one ends where the waveform ends.

    A waveform shorter than a window is repeated to fill the window, since silence would change its statistics. Only one
    window and the one before it are in memory at a time.

    Args:
        blocks: the waveform, arrays [n] of any lengths.
        samples: length of a window.

    Yields:
        float32 [samples].
    """
    window, filled, previous = np.empty(samples, np.float32), 0, None
    for block in blocks:
        while len(block):
            part = block[: samples - filled]
            window[filled : filled + len(part)] = part
            filled, block = filled + len(part), block[len(part) :]
            if filled == samples:
                yield window
                window, filled, previous = np.empty(samples, np.float32), 0, window
    if previous is None and filled:
        yield np.resize(window[:filled], samples)
    elif filled:
        yield np.concatenate([previous[filled:], window[:filled]])
