"""Evaluation of an exported file."""

import os
from pathlib import Path

import numpy as np

from asc_tf.atomic import exclusive
from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.data.loader import label_indices
from asc_tf.data.names import check_labels
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import predictions_frame
from asc_tf.experiment.data_set_folder import folder_on
from asc_tf.experiment.run_folder import read_run, write_checked_csv
from asc_tf.export.agreement import SMALLEST
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.folder import classified
from asc_tf.stages.evaluation import write_tables
from asc_tf.stages.preconditions import file_data_set, in_run_folder


def evaluate_file(path, root=None, progress=lambda done, total: None):
    """Tables of a .tflite file on the test part of a data set, by the runtime that devices use.

    Each clip is read, resampled and classified as `asc-tf predict` does it. Writes the files of `evaluate` into a
    folder named after the file and the data set, model-on-esc10 of model.tflite, and returns the tables as text.
    Devices that the run in whose folder the file lies was not trained on are unseen; of a file elsewhere, those without
    training clips.

    Args:
        path: of a .tflite file made by `asc-tf export`.
        root: folder of the data set; None is that of the run in whose folder the file lies.
        progress: called with (done, all) after every clip.

    Raises:
        AscError: not such a file, no data set known, a run that was trained on the test part, clips of scenes unknown
            to the file, or clips that cannot be read.
    """
    path = Path(path)
    classifiers = [Classifier(path) for _ in range(os.cpu_count())]
    root = file_data_set(path, root)
    clips = read_clips(root)
    trained_on = tuple(set(clips.device[clips.split == "train"]))
    seen = read_run(path.parent)[1].seen_devices if in_run_folder(path) else trained_on
    clips = clips[clips.split == "test"].reset_index(drop=True)
    label_indices(clips, classifiers[0].labels)
    check_labels(f"{root} and {path.parent}", "device", sorted({*seen, *clips.device}))
    check_audio_files(root, clips)
    found = {}
    for record in classified(root, list(clips.filename), classifiers):
        if record["error"]:
            raise AscError(record["error"])
        found[record["file"]] = record["probabilities"]
        progress(len(found), len(clips))
    probabilities = np.array([found[name] for name in clips.filename])
    predictions = predictions_frame(clips, np.log(np.maximum(probabilities, SMALLEST)), classifiers[0].labels)
    folder = file_tables_folder(path, root)
    with exclusive(folder):
        write_checked_csv(folder / "predictions.csv", predictions)
        return write_tables(folder, predictions, seen, classifiers[0].labels, root)


def file_tables_folder(path, root=None):
    """Where `evaluate_file` writes its tables."""
    return folder_on(file_data_set(path, root), Path(path).with_name(f"{Path(path).stem}-on"))
