"""Very large archives of recordings into sharded CSV files: `asc-tf predict MODEL ARCHIVE --output OUT --shards N`.

OUT holds `manifest.json` and `files.jsonl`, which fix the content of each shard, and for every shard
`scenes-K-of-N.csv`, with a row for each of its files as `asc_tf.runtime.folder` writes them, and `failures-K-of-N.csv`.
A shard is finished when its two files exist; resuming depends on nothing else.
"""

import contextlib
import itertools
import os
import threading
from pathlib import Path

from asc_tf.atomic import exclusive
from asc_tf.audio.finding import ENDINGS, Found, audio_below
from asc_tf.errors import AscError, unreadable
from asc_tf.runtime.archive_plan import make_plan, refuse_other_files
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.scenes_csv import read_failures

MOST_SHARDS = 99_999
_WATCH_SECONDS = 1.0


def classify_archive(
    model,
    archive,
    output,
    shards,
    workers=None,
    beam=(),
    progress=lambda done, total: None,
    report=lambda line: None,
    uncertain_below=None,
):
    """Write scene, confidence and probabilities of every recording of an archive, in shards, with Apache Beam.

    Shards are stretches of the sorted names, so that the CSV files one after the other equal the file of
    `classify_folder`. After a kill the same call continues: finished shards are not done again, and only the work on an
    unfinished shard is lost. A recording that changes after its shard is finished is not noticed.

    Args:
        model: .tflite file.
        archive: folder, searched with its subfolders, or a text file that names one recording per line, relative to the
            text file's folder or absolute. This process holds all names in memory.
        output: folder for the results. Model, archive and output must have the same paths on all machines of the
            runner, as on a shared file system.
        shards: number of pieces; one shard is the smallest unit of work and of loss by a kill.
        workers: threads in each of Beam's workers, each with its own interpreter. None means one per processor if
            `beam` is empty, and otherwise 1.
        beam: options of Beam's pipeline, "runner=FlinkRunner". Without any the pipeline runs in this process.
        progress: called with (files in finished shards, all files) every second.
        report: called with a line for the user.
        uncertain_below: of `Classifier`; part of the plan.

    Returns:
        (number of files, errors of unreadable files).

    Raises:
        AscError: the model or the archive cannot be read, the output belongs to another archive, Beam is not installed,
            an option is wrong, or the pipeline failed.
    """
    from asc_tf.runtime.beam_shards import classify_shards, new_pipeline, run

    output, archive = Path(output).absolute(), Path(archive)
    if output.exists() and not output.is_dir():
        raise AscError(f"--output {output}: is no folder; expected one for the files of the shards")
    refuse_other_files(output)
    if not 1 <= shards <= MOST_SHARDS:
        raise AscError(f"--shards {shards}: expected 1 to {MOST_SHARDS}")
    pipeline, threads = new_pipeline(beam), workers or (1 if beam else os.cpu_count())
    with exclusive(output):
        classifier = Classifier(model, uncertain_below=uncertain_below)
        found = audio_below(archive) if archive.is_dir() else Found(_listed(archive), {})
        skipped = f"{archive}: {found}" if str(found) else ""
        plan = make_plan(classifier, Path(model).absolute(), archive, found.names, output, shards, report)
        del found, classifier  # millions of names
        with _watched(plan, progress):
            classify_shards(pipeline, plan, threads)
            run(pipeline)
        missing = shards - len(plan.finished())
        if missing:
            raise AscError(f"{output}: lacks {missing} of {shards} shards though Beam has ended")
        for part in output.glob(".part-*"):
            part.unlink(missing_ok=True)
        progress(plan.files, plan.files)
        if skipped:
            report(skipped)
        return plan.files, [error for shard in range(shards) for error in read_failures(plan.csv("failures", shard))]


def _listed(path):
    """Names in a text file, sorted."""
    if path.suffix.lower() in ENDINGS:
        raise AscError(f"{path}: is an audio file; expected a folder, or a text file that names a recording a line")
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            names = sorted(name for line in file if (name := line.rstrip("\n")))
    except OSError as error:
        raise unreadable(path, error) from error
    if not names:
        raise AscError(f"{path}: names no file; expected a recording on every line")
    for name, following in itertools.pairwise(names):
        if name == following:
            raise AscError(f"{path}: names {name} more than once; expected every recording once")
    return names


@contextlib.contextmanager
def _watched(plan, progress):
    """Report shards as they are finished, on any machine."""
    stop = threading.Event()

    def watch():
        seconds = 0
        while not stop.wait(seconds):
            done = plan.files_in(plan.finished())
            if done < plan.files:
                progress(done, plan.files)
            seconds = _WATCH_SECONDS

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
