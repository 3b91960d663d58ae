"""A window of a recording, place by place: features, scores of the scenes, probabilities."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Where the places of a score map lie in the features, and what they see of them.

    Args:
        features: (frequency, time), mel bins and frames of a window.
        rows, columns: lists of (first, last) bin that each row sees, and frame that each column does; means over a
            whole axis, which see everything, are left out. None where that is not known.
        shape: (frequency, time) of the map.
        hop_seconds: from frame to frame.
        edges_hz: [mel bins + 2], the start of each filter, then centre and end of the last one.
        decibels_per_unit: of the features; None where they are no logarithm of power.
    """

    features: tuple[int, int]
    rows: list | None
    columns: list | None
    shape: tuple[int, int]
    hop_seconds: float
    edges_hz: np.ndarray
    decibels_per_unit: float | None = None

    @classmethod
    def of(cls, features, seen, shape, frontend):
        """Of a map; `seen` is a pair of lists or None, `frontend` a `NumpyMel`."""
        rows, columns = seen or (None, None)
        return cls(
            tuple(features), rows, columns, tuple(shape),
            frontend.hop_seconds, frontend.edges_hz, frontend.decibels_per_unit,
        )  # fmt: skip

    @functools.cached_property
    def bins_each(self):
        """Mel bins from row to row of the map."""
        return _step(self.rows, self.features[0], self.shape[0])

    @property
    def first_bin(self):
        """Where the first row lies: kernels without padding cut both ends alike."""
        return max(0.0, (self.features[0] - self.bins_each * self.shape[0]) / 2)

    @functools.cached_property
    def frames_each(self):
        """Frames from column to column of the map."""
        return _step(self.columns, self.features[1], self.shape[1])

    @property
    def seconds_each(self):
        """Seconds from column to column of the map."""
        return self.frames_each * self.hop_seconds

    def marks(self, frequencies_hz):
        """(frequency, its place in mel bins from the lower edge of the picture) of those within the features."""
        centres = self.edges_hz[1:-1]
        places = np.arange(len(centres)) + 0.5
        return [(hz, float(np.interp(hz, centres, places))) for hz in frequencies_hz if centres[0] <= hz <= centres[-1]]

    def sentence(self):
        """What a place in the middle sees, for a reader."""
        if self.rows is None:
            return "what one place sees is not known"
        first_bin, last_bin = self.rows[len(self.rows) // 2]
        first_frame, last_frame = self.columns[len(self.columns) // 2]
        seconds = (last_frame - first_frame + 1) * self.hop_seconds
        low, high = self.edges_hz[first_bin], self.edges_hz[last_bin + 2]
        return (
            f"a place in the middle sees {seconds:.1f} s and {last_bin - first_bin + 1} mel bins "
            f"({low:.0f} to {high:.0f} Hz)"
        )


def _step(seen, length, places):
    """From one place to the next. What places near an edge see is cut there, so the largest step is the true one."""
    steps = [max(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(seen or ())]
    return max(steps, default=0) or length / places


@dataclass(frozen=True)
class ScoredWindow:
    """What a network makes of one window.

    Args:
        features: float32 [frequency, time].
        scores: float32 [frequency, time, classes]; their mean over frequency and time are the logits.
        probabilities: float32 [classes].
    """

    features: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray
