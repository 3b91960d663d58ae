"""Listen to a microphone or a pipe and report the scene of every window: the command `asc-tf listen`."""

import json

from asc_tf.errors import AscError
from asc_tf.runtime.answer import SILENCE
from asc_tf.runtime.microphone import Microphone
from asc_tf.runtime.pipe import SamplePipe
from asc_tf.runtime.stream import SceneStream


def listen(classifier, pipe, report, rate_hz=None, hop_seconds=1.0, smoothing=0.5):
    """Yield a `Heard` for every window until the stream ends.

    Args:
        classifier: a `Classifier`.
        pipe: binary file to read, or None for the microphone.
        report: called with lines for the user: the source, and samples that were dropped or cannot be sound.
        rate_hz: of raw samples in the pipe; None means the network's rate.
        hop_seconds, smoothing: of `SceneStream`.

    Raises:
        AscError: as `SceneStream`, `SamplePipe` and `Microphone`; or the stream held no whole window.
    """
    if rate_hz is not None and pipe is None:
        raise AscError(f"--rate {rate_hz}: is for raw samples from a pipe; a microphone says its rate itself")
    SceneStream(classifier, hop_seconds, smoothing, rate_hz)  # reports wrong settings before it waits for input
    window = classifier.samples / classifier.sample_rate_hz
    if pipe is None:
        source = Microphone(classifier.sample_rate_hz, report)
        rate, channels, what = source.sample_rate_hz, 1, f"the microphone, {source.sample_rate_hz} Hz"
    else:
        source = SamplePipe(pipe, rate_hz or classifier.sample_rate_hz, rate_hz)
        rate, channels, what = source.sample_rate_hz, source.channels, str(source)
    report(f"listening to {what}; the first scene comes after {window:g} s")
    if rate < classifier.sample_rate_hz:
        report(
            f"the network hears up to {classifier.sample_rate_hz // 2} Hz, this stream has only up to {rate // 2} Hz"
        )
    stream = SceneStream(classifier, hop_seconds, smoothing, rate, channels, report)
    for samples in source:
        yield from stream.push(samples)
    yield from stream.finish()
    if not stream.windows:
        raise AscError(f"the stream ended after {stream.seconds:.1f} s, before its first window of {window:g} s")


def line_of(heard):
    """A line of text for a reader."""
    if heard.scene == SILENCE:
        return f"{heard.seconds:8.1f} s  {SILENCE}"
    return f"{heard.seconds:8.1f} s  {heard.scene} {100 * heard.confidence:.1f} %"


def json_of(heard, labels):
    """A line for a program: a JSON object with seconds, scene, confidence and the probabilities of all scenes."""
    probabilities = dict(zip(labels, heard.probabilities.tolist(), strict=True))
    shown = {"seconds": heard.seconds, "scene": heard.scene, "confidence": heard.confidence}
    return json.dumps({**shown, "probabilities": probabilities}, allow_nan=False)
