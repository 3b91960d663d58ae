"""What a network makes of a recording, window by window and place by place."""

from dataclasses import dataclass, field

import numpy as np

from asc_tf.audio.levels import is_silent
from asc_tf.audio.waveform import enough_memory, waveform_blocks
from asc_tf.errors import AscError
from asc_tf.evidence.score_map import Places
from asc_tf.runtime.answer import SILENCE, UNCERTAIN, scene_of
from asc_tf.runtime.windows import windows

MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Evidence:
    """The answer to a recording, and what it rests on.

    Args:
        labels: of the scenes.
        scene, confidence: the answer, of `scene_of`.
        probabilities: float32 [classes], the mean over the windows in which there is sound.
        seconds: length of the recording.
        window_seconds: length of a window.
        starts_seconds: where each window begins; the last one ends where the recording does.
        windows: a `ScoredWindow` each; None of a silent one.
        places: `Places` of every map.
        frontend: class of the features, such as "LogMel".
    """

    labels: tuple
    scene: str
    confidence: float
    probabilities: np.ndarray
    seconds: float
    window_seconds: float
    starts_seconds: list = field(default_factory=list)
    windows: list = field(default_factory=list)
    places: Places = None
    frontend: str = "LogMel"

    def sentence(self):
        """The answer for a reader."""
        best = f"{self.labels[int(np.argmax(self.probabilities))]} {100 * self.confidence:.1f} %"
        return {SILENCE: SILENCE, UNCERTAIN: f"{UNCERTAIN} ({best})"}.get(self.scene, best)

    def ranked(self, count):
        """Indices of the most likely scenes, the likeliest first."""
        return np.argsort(-self.probabilities, kind="stable")[:count].tolist()

    def heard(self):
        """Those of `shown` in which there is sound."""
        return [each for each in self.shown() if each[3] is not None]

    def shown(self):
        """(start in seconds, first frame, first column, `ScoredWindow` or None) of each window, no part twice.

        The last window reaches back into the one before it; what they share is the earlier one's.
        """
        end = 0.0
        for start, window in zip(self.starts_seconds, self.windows, strict=True):
            shared = max(0.0, end - start)
            column = round(shared / self.places.seconds_each)
            yield start + column * self.places.seconds_each, round(column * self.places.frames_each), column, window
            end = start + self.window_seconds


def evidence_of(scored, path, most_seconds=MOST_SECONDS):
    """The `Evidence` of an audio file, by the windows that `asc-tf predict` cuts it into.

    Args:
        scored: a `ScoredFile`, or what has the same attributes and `scored`.
        path: of the file.
        most_seconds: a longer one is refused, since all its maps are kept.

    Raises:
        AscError: no audio file, a damaged or a longer one.
    """
    cut, silent = [], []
    blocks = _Counted(path, scored.sample_rate_hz, most_seconds)
    with enough_memory(path):
        for window in windows(blocks, scored.samples):
            silent.append(is_silent(window))
            cut.append(None if silent[-1] else scored.scored(window))
    heard = [window.probabilities for window in cut if window is not None]
    probabilities = np.mean(heard, axis=0) if heard else np.zeros(len(scored.labels), np.float32)
    scene, confidence = scene_of(scored.labels, probabilities, scored.uncertain_below)
    last = max(0, blocks.samples - scored.samples)
    starts = [min(number * scored.samples, last) / scored.sample_rate_hz for number in range(len(cut))]
    return Evidence(
        labels=tuple(scored.labels),
        scene=scene,
        confidence=confidence,
        probabilities=probabilities,
        seconds=blocks.samples / scored.sample_rate_hz,
        window_seconds=scored.samples / scored.sample_rate_hz,
        starts_seconds=starts,
        windows=cut,
        places=scored.places,
        frontend=scored.metadata.frontend["class"],
    )


class _Counted:
    """The blocks of a recording, counted as they pass; too many are refused."""

    def __init__(self, path, sample_rate_hz, most_seconds):
        self.samples, self._path, self._rate, self._most = 0, path, sample_rate_hz, most_seconds

    def __iter__(self):
        for block in waveform_blocks(self._path, self._rate):
            self.samples += len(block)
            if self.samples > self._most * self._rate:
                raise AscError(
                    f"{self._path}: lasts more than {self._most:g} s; expected a part of it ('asc-tf predict "
                    "--timeline' says when which scene is heard)"
                )
            yield block
