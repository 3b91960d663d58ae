"""Classify all audio files below a folder into a CSV file: `asc-tf predict MODEL FOLDER --output scenes.csv`."""

import os
import queue
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from asc_tf.audio.finding import audio_below
from asc_tf.errors import AscError
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.journal import Journal
from asc_tf.runtime.scenes_csv import check_csv_path, write_scenes


def classify_folder(
    model,
    folder,
    output,
    workers=None,
    progress=lambda done, total: None,
    report=lambda line: None,
    uncertain_below=None,
):
    """Write scene, confidence and probabilities of every audio file below a folder, sorted by name.

    Results are kept in OUTPUT.journal as they come: after a kill the same call continues where it stopped. No file is
    lost or done twice, except files whose size or modification time has changed. OUTPUT appears when all are done.

    Args:
        model: .tflite file.
        folder: searched as by `audio_below`.
        output: CSV with the columns file (relative to the folder), scene, confidence, error, and one for each scene.
        workers: threads, each with its own interpreter; None means one per processor. Decoding, resampling and
            inference run outside Python's lock, so threads are as fast as processes and need less memory.
        progress: called with (done, all) after every file.
        uncertain_below: of `Classifier`; it only affects the column scene.
        report: called at the end with a line about skipped files, if any.

    Returns:
        (number of files, errors of unreadable files).

    Raises:
        AscError: the model or the folder cannot be read, the folder holds no audio, or the output cannot be written.
    """
    folder, output = Path(folder), Path(output)
    check_csv_path(output)
    found = audio_below(folder)
    names = found.names
    workers = min(workers or os.cpu_count(), len(names))
    classifiers = [Classifier(model, uncertain_below=uncertain_below) for _ in range(workers)]
    belongs_to = {"model": classifiers[0].sha256, "folder": str(folder.resolve())}
    with Journal(output.with_name(f"{output.name}.journal"), belongs_to) as journal:
        state = {name: _state(folder / name) for name in names}
        done = {record["file"]: record for record in journal.records if record["state"] == state.get(record["file"])}
        progress(len(done), len(names))
        for result in classified(folder, [name for name in names if name not in done], classifiers):
            record = {**result, "state": state[result["file"]]}
            journal.add(record)
            done[record["file"]] = record
            progress(len(done), len(names))
        records = [done[name] for name in names]
        write_scenes(output, classifiers[0].labels, records, uncertain_below=classifiers[0].uncertain_below)
        journal.delete()
    if str(found):
        report(f"{folder}: {found}")
    return len(names), [record["error"] for name in names if (record := done[name])["error"]]


def _state(path):
    """The state of a recording, to notice changes: [bytes, nanoseconds]; None if it cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def classified(folder, names, classifiers):
    """{"file": name, "probabilities": list or None, "error": None or sentence} of each file, as threads finish them.

    Args:
        folder: folder that the names are relative to.
        names: of audio files.
        classifiers: one for each thread.
    """
    free = queue.SimpleQueue()
    for classifier in classifiers:
        free.put(classifier)

    def classify(name):
        record = {"file": name, "probabilities": None, "error": None}
        classifier = free.get()
        try:
            record["probabilities"] = classifier.classify_file(folder / name).tolist()
        except AscError as error:
            record["error"] = str(error)
        finally:
            free.put(classifier)
        return record

    with ThreadPoolExecutor(len(classifiers)) as pool:
        pending = set()
        for name in names:
            pending.add(pool.submit(classify, name))
            if len(pending) > 2 * len(classifiers):
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
