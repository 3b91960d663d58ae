"""From an uploaded file to what the page shows: a plain function, which needs no Gradio."""

import html
import queue
from pathlib import Path

from asc_tf.errors import AscError
from asc_tf.evidence.evidence import MOST_SECONDS, evidence_of
from asc_tf.evidence.tflite_scores import ScoredFile
from asc_tf.runtime.answer import SILENCE, UNCERTAIN
from asc_tf.serve.drawing import picture_of
from asc_tf.terminal import without_control

MOST_BYTES = 128 * 1024 * 1024
_MEANINGS = {
    SILENCE: "There is nothing to hear in it.",
    UNCERTAIN: "No scene is likely enough to be believed.",
}


class Answers:
    """What a model says to files, for several callers at once.

    Args:
        model: of a .tflite file.
        at_once: how many files are worked on at once; each has an interpreter of its own.

    Raises:
        AscError: as `ScoredFile`.
    """

    def __init__(self, model, at_once):
        self._free = queue.SimpleQueue()
        for _ in range(at_once):
            scored = ScoredFile(model)
            self._free.put(scored)
        self.labels, self.places = scored.labels, scored.places

    def to(self, path, most_seconds=MOST_SECONDS):
        """HTML of the answer to a file, or of one sentence that says why there is none.

        Names and errors are of strangers: all is escaped. The file's folder is nobody's business and is not shown.
        """
        name = without_control(Path(path).name)
        scored = self._free.get()
        try:
            evidence = evidence_of(scored, path, most_seconds)
        except AscError as error:
            return refusal(without_control(str(error)).replace(str(Path(path).parent) + "/", ""))
        finally:
            self._free.put(scored)
        rest = " · ".join(
            f"{html.escape(evidence.labels[scene])} {100 * evidence.probabilities[scene]:.1f} %"
            for scene in evidence.ranked(3)
        )
        said = _MEANINGS.get(evidence.scene, "")
        details = f"{rest}<br>" if evidence.confidence else ""
        return (
            f"<h2 class='answer'>{html.escape(evidence.scene)}</h2><p>{said} {details}"
            f"{html.escape(name)}, {evidence.seconds:.1f} s; {evidence.places.sentence()}</p>{picture_of(evidence)}"
        )


def refusal(sentence):
    """HTML of one sentence that says why there is no answer."""
    return f"<p class='refusal' role='alert'>{html.escape(sentence)}</p>"
