"""The scenes of a recording over time: windows that slide over it, as in `listen`."""

import csv
import itertools
from dataclasses import dataclass

from asc_tf.atomic import whole_file
from asc_tf.audio.waveform import enough_memory, waveform_blocks
from asc_tf.errors import AscError
from asc_tf.runtime.answer import scene_of
from asc_tf.runtime.stream import SceneStream


@dataclass(frozen=True)
class Stretch:
    """A part of a recording with one answer.

    Attributes:
        from_seconds, to_seconds: start and end; the stretches of a recording follow each other without a gap.
        scene: the answer, SILENCE and UNCERTAIN among them.
        confidence: mean probability of the most likely scene over its windows, 0 for silence.
    """

    from_seconds: float
    to_seconds: float
    scene: str
    confidence: float


def timeline(classifier, path, hop_seconds=1.0, smoothing=0.5):
    """The stretches of an audio file.

    A window's answer counts for one hop around the window's middle, since it depends equally on the sound before and
    after it; the first one counts from the beginning, the last one to the end. A recording shorter than a window is one
    stretch. The file is read in blocks, so its length takes no memory.

    Args:
        classifier: a `Classifier`.
        path: of the file.
        hop_seconds, smoothing: of `SceneStream`.

    Returns:
        List of `Stretch`.

    Raises:
        AscError: as `Classifier.classify_file` and `SceneStream`.
    """
    stream = SceneStream(classifier, hop_seconds, smoothing)
    heard = list(_heard(stream, classifier, path))
    if not heard:
        scene, confidence = scene_of(classifier.labels, classifier.classify_file(path), classifier.uncertain_below)
        return [Stretch(0.0, stream.seconds, scene, confidence)]
    half = classifier.samples / classifier.sample_rate_hz / 2
    bounds = [0.0, *(one.seconds - half - hop_seconds / 2 for one in heard[1:]), stream.seconds]
    stretches, place = [], 0
    for scene, group in itertools.groupby(heard, key=lambda one: one.scene):
        group = list(group)
        mean = sum(one.confidence for one in group) / len(group)
        stretches.append(Stretch(bounds[place], bounds[place + len(group)], scene, mean))
        place += len(group)
    return stretches


def windows_of(classifier, path, hop_seconds=1.0, smoothing=0.5):
    """`Heard` of each window of an audio file in turn; arguments and errors as for `timeline`.

    Raises:
        AscError: also if the file is shorter than a window.
    """
    stream = SceneStream(classifier, hop_seconds, smoothing)
    yield from _heard(stream, classifier, path)
    if not stream.windows:
        window = classifier.samples / classifier.sample_rate_hz
        raise AscError(f"{path}: ends after {stream.seconds:.1f} s, before its first window of {window:g} s")


def _heard(stream, classifier, path):
    with enough_memory(path):
        for block in waveform_blocks(path, classifier.sample_rate_hz):
            yield from stream.push(block)
    yield from stream.finish()


def line_of(stretch):
    """One line for a reader: from, to, scene, confidence."""
    said = "" if stretch.confidence == 0 else f" {100 * stretch.confidence:.1f} %"
    return f"{stretch.from_seconds:9.1f} to {stretch.to_seconds:9.1f} s  {stretch.scene}{said}"


def write_timelines(path, timelines):
    """Write a CSV file, one row per stretch: file, from_seconds, to_seconds, scene, confidence.

    Args:
        path: of the file, which is written whole or not at all.
        timelines: {name of the recording: list of `Stretch`}.
    """
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "from_seconds", "to_seconds", "scene", "confidence"])
        for name, stretches in timelines.items():
            for one in stretches:
                times = f"{one.from_seconds:.3f}", f"{one.to_seconds:.3f}"
                writer.writerow([name, *times, one.scene, f"{one.confidence:.6f}"])
