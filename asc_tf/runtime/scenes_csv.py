"""The CSV files of classified recordings: their columns and number formats."""

import contextlib
import csv

from asc_tf.atomic import check_replaceable, whole_file
from asc_tf.audio.finding import ENDINGS
from asc_tf.errors import AscError
from asc_tf.runtime.answer import scene_of


def check_csv_path(output):
    """Raise an AscError for an --output that must not become a CSV file: a folder, a device, an audio file."""
    if output.is_dir() or output.suffix.lower() in ENDINGS:
        raise AscError(f"--output {output}: is a folder or an audio file's name; expected a name such as scenes.csv")
    check_replaceable(output)


def write_scenes(path, labels, records, uncertain_below=None):
    """Write a row for each record: file, scene, confidence, error, and the probability of each scene.

    Args:
        path: of the file, which is written whole or not at all.
        labels: of the scenes.
        records: dicts {"file": name, "probabilities": list or None, "error": None or sentence}.
        uncertain_below: as in `scene_of`.
    """
    with _whole_csv(path) as writer:
        writer.writerow(["file", "scene", "confidence", "error", *labels])
        for record in records:
            shown = [f"{p:.6f}" for p in record["probabilities"] or ()]
            scene = confidence = ""
            if shown:
                scene, confidence = scene_of(labels, shown, uncertain_below)
                confidence = f"{confidence:.6f}"
            writer.writerow([record["file"], scene, confidence, record["error"] or "", *(shown or [""] * len(labels))])


def write_failures(path, records):
    """Write a row for each record of a file that could not be classified: file, error."""
    with _whole_csv(path) as writer:
        writer.writerow(["file", "error"])
        writer.writerows([record["file"], record["error"]] for record in records)


def read_failures(path):
    """The errors that `write_failures` wrote. Raises AscError if the file is damaged."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *rows = csv.reader(file)
            if header == ["file", "error"] and all(len(row) == 2 for row in rows):
                return [error for _, error in rows]
    except (OSError, ValueError, csv.Error):
        pass
    raise AscError(f"{path}: cannot be read; delete it and run the same command again")


@contextlib.contextmanager
def _whole_csv(path):
    # A file's name may hold bytes that are not UTF-8: they are written unchanged.
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        yield csv.writer(file, lineterminator="\n")
