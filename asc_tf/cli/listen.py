"""The command `asc-tf listen`: scenes from a microphone, a pipe or a file as they come, without TensorFlow."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.flags import Hop, Smoothing, Threshold
from asc_tf.cli.predict import chosen_model
from asc_tf.errors import AscError
from asc_tf.terminal import say

MICROPHONE, PIPE = "microphone", "-"


@dataclass
class Listen:
    """Print the scene that a microphone, a pipe or a file is in, window after window, without TensorFlow."""

    inputs: Annotated[
        Positional[tuple[Path, ...]],
        arg(name="model-and-source", metavar="[MODEL] [SOURCE]"),
        Doc(
            "the model, as for 'asc-tf predict'; then an audio file, or - for a pipe (WAV, or raw 16-bit "
            "samples of one channel), or microphone, the source if none is given"
        ),
    ] = ()
    rate: int | None = None
    """sample rate of raw samples, in Hz; the network's if not given"""
    hop: Hop = 1.0
    smoothing: Smoothing = 0.5
    threshold: Threshold = None
    as_json: Annotated[bool, arg(name="json")] = False
    """print one JSON object a window, with the probabilities of all scenes"""

    def run(self):
        model, sources = chosen_model(self.inputs)
        if len(sources) > 1:
            raise AscError(f"SOURCE: {len(sources)} names; expected one: microphone, - or an audio file")
        source = str(sources[0]) if sources else MICROPHONE
        if source == PIPE and (sys.stdin is None or sys.stdin.isatty()):
            found = "closed" if sys.stdin is None else "a terminal"
            raise AscError(f"standard input is {found}; expected a pipe, as in: arecord ... | asc-tf listen MODEL -")
        from asc_tf.runtime import Classifier
        from asc_tf.runtime.listen import json_of, line_of

        classifier = Classifier(model, uncertain_below=self.threshold)
        try:
            for heard in self._heard(classifier, source):
                print(json_of(heard, classifier.labels) if self.as_json else line_of(heard), flush=True)
        except KeyboardInterrupt:  # the usual way to end: no message
            raise SystemExit(130) from None

    def _heard(self, classifier, source):
        from asc_tf.runtime.listen import listen
        from asc_tf.runtime.timeline import windows_of

        if source in (PIPE, MICROPHONE):
            pipe = sys.stdin.buffer if source == PIPE else None
            return listen(classifier, pipe, say, self.rate, self.hop, self.smoothing)
        if self.rate is not None:
            raise AscError(f"--rate {self.rate}: is for raw samples from a pipe; {source} says its rate itself")
        return windows_of(classifier, source, self.hop, self.smoothing)
