"""What scene a recording is in from when to when: windows that slide over it, as `listen` has them."""

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
    """A part of a recording in which the answer stays the same.

    Attributes:
        from_seconds, to_seconds: where it lies; the stretches of a recording follow each other without a gap.
        scene: the answer, SILENCE and UNCERTAIN among them.
        confidence: mean probability of the most likely scene over its windows, 0 of silence.
    """

    from_seconds: float
    to_seconds: float
    scene: str
    confidence: float


def timeline(classifier, path, hop_seconds=1.0, smoothing=0.5):
    """The stretches of an audio file.

    A window's answer counts for the hop around the window's middle, since it is of what lies before and behind that
    alike; the first one's from the beginning on, the last one's to the end. A recording shorter than a window is one
    stretch. The file is read block after block: its length takes no memory.

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
    """`Heard` of each window of an audio file, one after the other; arguments and errors as of `timeline`.

    Raises:
        AscError: also, the file is shorter than a window.
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
    """Write a CSV file, a row a stretch: file, from_seconds, to_seconds, scene, confidence.

    Args:
        path: of the file, which appears whole or not at all.
        timelines: {name of the recording: list of `Stretch`}.
    """
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "from_seconds", "to_seconds", "scene", "confidence"])
        for name, stretches in timelines.items():
            for one in stretches:
                times = f"{one.from_seconds:.3f}", f"{one.to_seconds:.3f}"
                writer.writerow([name, *times, one.scene, f"{one.confidence:.6f}"])
