"""Training."""

import contextlib
from pathlib import Path

import tensorflow as tf
import tf_keras as keras

from asc_tf.atomic import exclusive
from asc_tf.complexity.keras_account import trainable_parameters
from asc_tf.distributed.replicas import chief_first, gathered, is_chief, other_workers, workers_of
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_model
from asc_tf.experiment.history import read_history, write_history
from asc_tf.experiment.run_folder import NOTHING_TO_EVALUATE, check_run_folder, read_run, write_settings
from asc_tf.experiment.teachers import check_teachers, teacher_config
from asc_tf.experiment.trained_on import check_trained
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.fitting import fit, selection
from asc_tf.stages.teacher import cached_targets, distilled, teacher_runs
from asc_tf.stages.tracking import tracked
from asc_tf.training.checkpoints import kept_history
from asc_tf.training.devices import device_line
from asc_tf.training.fit import save_model
from asc_tf.training.precision import with_precision
from asc_tf.training.seeding import set_seed


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
            report(NOTHING_TO_EVALUATE)
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
    report(_network_line(experiment))
    teachers = find_teachers(run, experiment, report, strategy)
    with chief_first(strategy):
        experiment = experiment.with_features(run, report)
        experiment = experiment.with_statistics(run, report, kept=not is_chief(strategy))
        write_settings(run, config, experiment.dataset, experiment.trained)
        targets = cached_targets(run, experiment, teachers, report)
    student = fit_network(run, experiment, teachers, targets, report, strategy, tracking=tracking)
    save_model(student, run / "last.keras")


def _network_line(experiment):
    """The network that will be trained and its size, before hours of computing features.

    It is built for that, without the features' statistics. Settings that fit no network are refused here.
    """
    network = build_model(experiment.config, experiment.dataset)
    bins, frames = network.input_shape[1:3]
    return (
        f"network {experiment.config.model.network}: {trainable_parameters(network):,} trainable parameters, "
        f"clips of {bins} mel bins x {frames} frames"
    )


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


def _rebuild_history(run):
    """Rewrite a finished run's history.csv from its last checkpoint, if the file is damaged or missing."""
    try:
        read_history(run / "history.csv")
    except AscError:
        if history := kept_history(run / "checkpoints"):
            write_history(run / "history.csv", history)
