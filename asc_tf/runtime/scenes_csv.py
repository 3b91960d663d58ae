"""The CSV files that classified recordings are written to: what their columns are and how numbers look in them."""

import contextlib
import csv

from asc_tf.atomic import whole_file
from asc_tf.runtime.answer import scene_of


def write_scenes(path, labels, records, rivals=False, uncertain_below=None):
    """Write a row for each record: file, scene, confidence, error, and the probability of each scene.

    Args:
        path: of the file, which appears whole or not at all.
        labels: of the scenes.
        records: {"file": name, "probabilities": list or None, "error": None or sentence} each.
        rivals: as in `asc_tf.atomic.whole_file`.
        uncertain_below: as in `scene_of`.
    """
    with _whole_csv(path, rivals) as writer:
        writer.writerow(["file", "scene", "confidence", "error", *labels])
        for record in records:
            shown = [f"{p:.6f}" for p in record["probabilities"] or ()]
            scene = confidence = ""
            if shown:
                scene, confidence = scene_of(labels, shown, uncertain_below)
                confidence = f"{confidence:.6f}"
            writer.writerow([record["file"], scene, confidence, record["error"] or "", *(shown or [""] * len(labels))])


def write_failures(path, records, rivals=False):
    """Write a row for each record of a file that could not be classified: file, error."""
    with _whole_csv(path, rivals) as writer:
        writer.writerow(["file", "error"])
        writer.writerows([record["file"], record["error"]] for record in records)


def read_failures(path):
    """The errors that `write_failures` wrote."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return [row["error"] for row in csv.DictReader(file)]


@contextlib.contextmanager
def _whole_csv(path, rivals):
    # A file's name may hold bytes that are no UTF-8: they are written as they are.
    with (
        whole_file(path, rivals) as part,
        part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield csv.writer(file, lineterminator="\n")
