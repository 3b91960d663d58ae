"""The teacher of a training."""

import io
from pathlib import Path

import numpy as np

from asc_tf.atomic import checked_file, read_checked
from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.data.logits_file import is_logits_file, read_logits
from asc_tf.errors import AscError
from asc_tf.experiment.device_networks import devices_with_networks
from asc_tf.experiment.run_folder import TRAINED_ON_ALL, load_model, read_run
from asc_tf.experiment.teachers import OTHER_TEACHER, hears_the_same
from asc_tf.export.agreement import SMALLEST
from asc_tf.models.ensemble import ensemble
from asc_tf.training.distillation import DistilledModel, soften


def teacher_runs(config, run, dataset, report):
    """Folders of a Config's teacher runs, checked, and its files of logits; none if it learns from labels alone.

    Raises:
        AscError: no trained run, or a run of other scenes, clips or features.
    """
    settings = config.distillation
    runs = [run / "teacher"] if settings.recipe else [Path(name) for name in settings.teacher or ()]
    for teacher in runs:
        if is_logits_file(teacher):
            continue
        if not hears_the_same(teacher, config, dataset):
            raise AscError(f"{teacher}: {OTHER_TEACHER}")
        load_model(teacher)
        report_advantages(teacher, config, report)
    return runs


def report_advantages(teacher, config, report):
    """Raise an AscError for clips that a teacher's run knows and that a student of this Config must not learn from."""
    theirs, taught = read_run(teacher)
    if devices_with_networks(teacher, taught):
        report(f"{teacher}: has a network for each device; its general one teaches")
    if theirs.data.split == "full" and config.data.split != "full":
        report(f"{teacher}: {TRAINED_ON_ALL}; its student will score too well there")
    elif config.data.split not in ("official", "full", theirs.data.split):
        report(
            f"{teacher}: the teacher was trained on other clips than data.split={config.data.split} allows its student"
        )
    for device in sorted({*(config.data.leave_out or ())} & {*taught.seen_devices}):
        report(f"{teacher}: the teacher has heard device {device}, which its student leaves out (data.leave_out)")


def cached_targets(run, experiment, teachers, report):
    """Targets of `training_batches` from the teachers' logits on unaugmented clips; None if they are not cached.

    The logits are kept in the run folder, teacher_logits.npy [clips, classes].
    """
    settings, labels, training = experiment.config.distillation, experiment.labels, experiment.training
    if not teachers or settings.logits == "online":
        return None
    kept = run / "teacher_logits.npy"
    shape = len(labels), labels.max() + 1
    logits = _kept_logits(kept, shape)
    if logits is None:
        logits = np.zeros(shape, np.float32)
        logits[training] = _training_logits(experiment, teachers, report)
        with checked_file(kept) as part, part.open("wb") as file:
            np.save(file, logits)
    return soften(logits, settings.temperature).numpy()


def _training_logits(experiment, teachers, report):
    """[training clips, classes]: of one teacher its logits, of several the logarithm of their mean probability."""
    files = [teacher for teacher in teachers if is_logits_file(teacher)]
    runs = [teacher for teacher in teachers if not is_logits_file(teacher)]
    scenes, training = experiment.dataset.scenes, experiment.training
    filenames = experiment.clips.filename.iloc[training]
    found = [read_logits(file, filenames, scenes) for file in files]
    if runs:
        report("the teacher classifies the training clips")
        with reading(experiment.features):
            batches = evaluation_batches(experiment.features, experiment.labels, len(scenes), rows=training)
            together = _together(runs).predict(batches, verbose=0)
        found += [together] * len(runs)  # each run counts as much as each file
    if len(found) == 1 or not files:
        return found[0]
    mean = np.mean([soften(logits, 1.0).numpy() for logits in found], axis=0)
    return np.log(np.maximum(mean, SMALLEST))


def _kept_logits(path, shape):
    """The logits in a file; None if the file is missing, damaged or of other clips."""
    try:
        logits = np.load(io.BytesIO(read_checked(path)), allow_pickle=False)
    except (AscError, OSError, ValueError, EOFError):
        return None
    return logits if logits.shape == shape and logits.dtype == np.float32 and np.isfinite(logits).all() else None


def distilled(config, model, teachers):
    """The model to fit: the network with its teachers, or the network itself without any."""
    settings = config.distillation
    if not teachers:
        return model
    teacher = _together(teachers) if settings.logits == "online" else None
    return DistilledModel(model, teacher, settings.temperature, settings.weight)


def _together(teachers):
    models = [load_model(teacher) for teacher in teachers]
    return ensemble(models) if len(models) > 1 else models[0]
