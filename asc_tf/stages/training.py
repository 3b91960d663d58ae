"""Training."""

import contextlib
import functools
import math
from pathlib import Path

import tensorflow as tf
import tf_keras as keras

from asc_tf.atomic import exclusive
from asc_tf.data.loader import evaluation_batches, evaluation_steps, reading, training_batches
from asc_tf.distributed.replicas import chief_first, gathered, is_chief, other_workers, workers_of
from asc_tf.errors import AscError
from asc_tf.experiment.build import augmentation, build_model, build_optimizer, waveform_augmentation
from asc_tf.experiment.history import read_history, write_history
from asc_tf.experiment.run_folder import check_run_folder, read_run, write_settings
from asc_tf.experiment.teachers import check_teachers, teacher_config
from asc_tf.experiment.trained_on import check_trained
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.teacher import cached_targets, distilled, teacher_runs
from asc_tf.stages.tracking import tracked
from asc_tf.training.checkpoints import kept_history
from asc_tf.training.confusion import ConfusionAccuracy
from asc_tf.training.devices import device_line
from asc_tf.training.event_files import EventFiles
from asc_tf.training.fit import resumable_fit, save_model
from asc_tf.training.precision import with_precision, with_scaled_loss
from asc_tf.training.seeding import set_seed
from asc_tf.training.selection import MinVarianceCheckpoint


def train(root, config, run, report=print, strategy=None, tracker=None):
    """Train a network, or continue an interrupted training, then evaluate it on the test part, once.

    The learning rate is that of the settings for any number of replicas: they share the batch of train.batch_size, and
    a step equals that of a single process.

    Args:
        root: folder of the data set.
        config: a `Config`.
        run: run folder; made if missing.
        report: called with lines for the user.
        strategy: a `tf.distribute.Strategy`, see `asc_tf.distributed.replicas.make_strategy`; None trains in one
            process. All workers make this call with the same arguments, on a shared file system; the chief writes.
        tracker: key of `asc_tf.tracking.trackers.TRACKERS`, which gets settings, epochs and results; None is that of
            an interrupted training.

    Returns:
        The predictions on the test part; None without a test part (data.split = full) and for all workers except the
        chief.

    Raises:
        AscError: see the data reader, the cache and `resumable_fit`; the folder holds a run of other settings, or the
            metadata changed since; another process is writing it; the replicas cannot share a batch; another worker has
            ended.
    """
    config.check()
    check_teachers(config)
    run, strategy = Path(run), strategy or tf.distribute.get_strategy()
    chief = is_chief(strategy)
    report = report if chief else _silent
    if strategy.num_replicas_in_sync > 1:
        _check_shareable(config, strategy.num_replicas_in_sync)
    with (
        other_workers() if workers_of(strategy) > 1 else contextlib.nullcontext(),
        exclusive(run) if chief else contextlib.nullcontext(),
        tracked(run, tracker, report) if chief else contextlib.nullcontext() as tracking,
    ):
        with chief_first(strategy):
            check_run_folder(run, config, root)
        if not all(gathered(strategy, int((run / "last.keras").is_file()))):
            _train(root, config, run, report, strategy, tracking)
        elif chief:
            _rebuild_history(run)
        full = config.data.split == "full"
        if full:
            report("trained on the test part as well: nothing is left to evaluate on")
        predictions = predict_test(run, report=report) if chief and not full else None
        gathered(strategy, 0)  # the others wait, since their end would be an error for the chief
    return predictions


def _check_shareable(config, replicas):
    """Raise an AscError for settings with which this many replicas cannot train."""
    if config.train.batch_size % replicas:
        raise AscError(
            f"setting train.batch_size is {config.train.batch_size}; expected a multiple of the {replicas} replicas "
            "that share each batch"
        )
    if config.train.select == "min-var":
        raise AscError("setting train.select is min-var; expected last or best with --strategy")


def _silent(line):
    """The report function of all workers except the chief."""


def find_teachers(run, experiment, report, strategy=None):
    """Run folders of an `Experiment`'s teachers, first trained if distillation.recipe asks for it."""
    config, dataset = experiment.config, experiment.dataset
    if config.distillation.recipe:
        train(dataset.root, teacher_config(config), run / "teacher", lambda line: report(f"teacher: {line}"), strategy)
    return teacher_runs(config, run, dataset, report)


def _train(root, config, run, report, strategy, tracking):
    experiment = Experiment.begin(root, config)
    if (run / "dataset.json").is_file():
        check_trained(run, read_run(run)[1], experiment.trained)
    report(device_line(strategy))
    teachers = find_teachers(run, experiment, report, strategy)
    with chief_first(strategy):
        experiment = experiment.with_features(run, report)
        experiment = experiment.with_statistics(run, report, kept=not is_chief(strategy))
        write_settings(run, config, experiment.dataset, experiment.trained)
        targets = cached_targets(run, experiment, teachers, report)
    student = fit_network(run, experiment, teachers, targets, report, strategy, tracking=tracking)
    save_model(student, run / "last.keras")


def fit_network(run, experiment, teachers=(), targets=None, report=print, strategy=None, until=None, tracking=None):
    """Train the network of an `Experiment`, resumable, up to epoch `until`.

    Args:
        run: run folder.
        experiment: with features and statistics.
        teachers, targets: of `find_teachers` and `cached_targets`.
        report: called with lines for the user.
        strategy: as of `train`.
        until: all epochs if None.
        tracking: of `fit`.

    Returns:
        The fitted model: the network, or with teachers a `DistilledModel`.
    """
    config = experiment.config
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    with (strategy or tf.distribute.get_strategy()).scope():
        network = build_model(config, experiment.dataset)
        if config.train.precision != "float32":
            network = with_precision(network, config.train.precision)
        student = distilled(config, network, teachers)
    keep = selection(run, experiment)
    fit(run, experiment, student, report, targets=targets, until=until, tracking=tracking, **keep)
    return student


def selection(run, experiment):
    """Arguments of `fit` that keep the weights that train.select may name."""
    if experiment.config.train.select != "min-var":
        return {"best": run / "best.keras"}
    rows, labels = experiment.validation, experiment.labels
    devices = experiment.clips.device.iloc[rows].to_numpy()
    if len(set(devices)) < 2:
        raise AscError("setting train.select is min-var; expected clips of two devices or more in the validation part")
    batches = evaluation_batches(experiment.features, labels, labels.max() + 1, rows=rows)
    keeper = MinVarianceCheckpoint(batches, labels[rows], devices, run / "min-var.keras")
    return {"best": run / "best.keras", "callbacks": [keeper]}


def fit(
    folder,
    experiment,
    model,
    report=print,
    best=None,
    optimizer=None,
    callbacks=(),
    until=None,
    tracking=None,
    phase="",
    **batch_settings,
):
    """Train a network by an `Experiment`'s settings, resumable; writes checkpoints/, tensorboard/ and history.csv.

    `optimizer`, if given, replaces that of the settings; `until` stops the training after this many epochs, with the
    learning rates of the whole; `tracking`, a `Tracking` or None, logs each epoch as one of this `phase`;
    `batch_settings` go to `training_batches`.
    """
    config, strategy, classes = experiment.config, model.distribute_strategy, model.output_shape[-1]
    batch_size, validation = config.train.batch_size, experiment.validation
    steps_per_epoch = math.ceil(len(experiment.training) / batch_size)
    with strategy.scope():
        model.compile(
            with_scaled_loss(optimizer or build_optimizer(config, steps_per_epoch), model),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=[ConfusionAccuracy(classes)],
        )
    batches = batches_of(experiment, **batch_settings)
    validating = functools.partial(evaluation_batches, experiment.features, experiment.labels, classes, rows=validation)
    replicas = strategy.num_replicas_in_sync
    if replicas > 1:
        report(_shares(strategy, batch_size))
        if 0 < len(validation) < replicas:
            raise AscError(
                f"{len(validation)} validation clips; expected none or as many as there are replicas, {replicas}"
            )
    watching = [_event_files(folder, experiment, classes, is_chief(strategy))]
    if tracking is not None:
        watching.append(tracking.callback(config.by_name(), phase))
    with reading(experiment.features):
        history = resumable_fit(
            model,
            lambda start_step: _distributed(strategy, functools.partial(batches, start_step=start_step)),
            steps_per_epoch,
            until or config.train.epochs,
            folder / "checkpoints",
            _distributed(strategy, validating) if len(validation) else None,
            best,
            report,
            callbacks=[*callbacks, *watching],
            validation_steps=evaluation_steps(len(validation), replicas) if replicas > 1 else None,
        )
    if is_chief(strategy):
        write_history(folder / "history.csv", history)


def batches_of(experiment, **settings):
    """A function (start_step=0) to the `training_batches` of an `Experiment`; `settings` are further arguments."""
    config = experiment.config
    return functools.partial(
        training_batches,
        experiment.features,
        experiment.labels,
        len(experiment.dataset.scenes),
        config.train.batch_size,
        config.seed,
        rows=experiment.training,
        augment=augmentation(config),
        augment_waveforms=waveform_augmentation(config),
        **settings,
    )


def _event_files(folder, experiment, classes, writes):
    """`EventFiles` of a training, with a picture of its first clip."""

    def clip():
        rows = experiment.training[:2]
        return next(iter(evaluation_batches(experiment.features, experiment.labels, classes, rows=rows)))

    return EventFiles(folder / "tensorboard", clip, augmentation(experiment.config), writes)


def _rebuild_history(run):
    """Rewrite a finished run's history.csv from its last checkpoint, if the file is damaged or missing."""
    try:
        read_history(run / "history.csv")
    except AscError:
        if history := kept_history(run / "checkpoints"):
            write_history(run / "history.csv", history)


def _distributed(strategy, batches):
    """The data that a function of an optional `context` gives each replica."""
    if strategy.num_replicas_in_sync == 1:
        return batches()
    return strategy.distribute_datasets_from_function(lambda context: batches(context=context))


def _shares(strategy, batch_size):
    replicas, workers = strategy.num_replicas_in_sync, workers_of(strategy)
    return (
        f"{replicas} replicas on {workers} worker{'s' if workers > 1 else ''}: global batch of {batch_size} clips, "
        f"{batch_size // replicas} a replica; the learning rate is that of the global batch"
    )
