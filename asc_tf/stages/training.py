"""Training."""

import contextlib
import dataclasses
import functools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
import tf_keras as keras

from asc_tf.build import augmentation, build_model, build_optimizer, waveform_augmentation
from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.loader import evaluation_batches, evaluation_steps, label_indices, reading, training_batches
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.errors import AscError
from asc_tf.run_folder import Dataset, check_run_folder, write_csv, write_settings
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.features import features_of, statistics, with_translated
from asc_tf.stages.teacher import cached_targets, distilled, teacher_config, teacher_runs
from asc_tf.training.fit import resumable_fit, save_model
from asc_tf.training.replicas import chief_first, gathered, is_chief, other_workers, workers_of
from asc_tf.training.seeding import set_seed
from asc_tf.training.selection import MinVarianceCheckpoint


def train(root, config, run, report=print, strategy=None):
    """Train a network, or go on with an interrupted training, then evaluate it on the test part, once.

    The learning rate stays that of the settings however many replicas there are: train.batch_size is the batch that
    they share, and a step is the one that a single process would take.

    Args:
        root: folder of the data set.
        config: a `Config`.
        run: run folder; made if it is not there.
        report: called with lines for the user.
        strategy: a `tf.distribute.Strategy`, see `asc_tf.training.replicas.make_strategy`; None trains in one process.
            All workers call this with the same arguments, on a file system that they share; the chief writes.

    Returns:
        The predictions on the test part, or None if there is none (data.split = full) and for all workers but the
        chief.

    Raises:
        AscError: see the data reader, the cache and `resumable_fit`; the folder holds a run of other settings; the
            replicas cannot share a batch; another worker has ended.
    """
    run, strategy = Path(run), strategy or tf.distribute.get_strategy()
    chief = is_chief(strategy)
    report = report if chief else _silent
    if strategy.num_replicas_in_sync > 1:
        _check_shareable(config, strategy.num_replicas_in_sync)
    with other_workers() if workers_of(strategy) > 1 else contextlib.nullcontext():
        with chief_first(strategy):
            check_run_folder(run, config, root)
        if not all(gathered(strategy, int((run / "last.keras").is_file()))):
            _train(root, config, run, report, strategy)
        full = config.data.split == "full"
        if full:
            report("trained on the test part as well: nothing is left to evaluate on")
        predictions = predict_test(run, report=report) if chief and not full else None
        gathered(strategy, 0)  # the others wait, for their end would be an error to the chief
    return predictions


def _check_shareable(config, replicas):
    """Raise an AscError for settings that so many replicas cannot train by."""
    if config.train.batch_size % replicas:
        raise AscError(
            f"setting train.batch_size is {config.train.batch_size}; expected a multiple of the {replicas} replicas "
            "that share each batch"
        )
    if config.train.select == "min-var":
        raise AscError(
            "setting train.select is min-var, which needs one process; expected last or best, or no strategy"
        )


def _silent(line):
    """The report of all workers but the chief."""


def find_teachers(root, config, run, dataset, report, strategy=None):
    """Run folders of the teachers of a Config, trained first if distillation.recipe says so."""
    if config.distillation.recipe:
        train(root, teacher_config(config), run / "teacher", lambda line: report(f"teacher: {line}"), strategy)
    return teacher_runs(config, run, dataset, report)


def split_clips(root, config):
    """Clips of a data set that a run of this Config may read, and the rows of them that it trains on and validates on.

    Locations are held out before devices are left out (data.leave_out): with and without a device they are the same.

    Returns:
        (clips, training rows, validation rows).

    Raises:
        AscError: see the data reader; data.leave_out names a device without training clips, or leaves too few clips.
    """
    clips = read_clips(root)
    full = config.data.split == "full"
    clips = clips if full else clips[clips.split != ""].reset_index(drop=True)
    check_audio_files(root, clips)
    used = np.full(len(clips), True) if full else (clips.split == "train").to_numpy()
    held_out = hold_out_locations(clips[used], config.data.validation_fraction, config.seed)
    heard = _heard(clips[used], held_out, config)
    return clips, *(np.flatnonzero(used)[rows & heard] for rows in (~held_out, held_out))


def _heard(clips, held_out, config):
    """Whether each of a run's clips is of none of the devices that data.leave_out names."""
    left_out = config.data.leave_out
    if left_out is None:
        return np.full(len(clips), True)
    for device in left_out:
        if device not in set(clips.device):
            known = ", ".join(devices_of(clips))
            raise AscError(f"setting data.leave_out is {device}; expected devices with training clips: {known}")
    heard = ~clips.device.isin(left_out).to_numpy()
    setting = f"setting data.leave_out is {','.join(left_out)}"
    for scene in scenes_of(clips):
        if not (heard & ~held_out)[clips.scene == scene].any():
            raise AscError(f"{setting}, which leaves no training clips of scene '{scene}'")
    if config.train.select != "last" and not (heard & held_out).any():
        raise AscError(f"{setting}, which leaves no validation clips; train.select={config.train.select} needs some")
    return heard


def _train(root, config, run, report, strategy):
    clips, training, validation = split_clips(root, config)
    augment_waveforms = waveform_augmentation(config)
    used = clips.iloc[np.sort(np.concatenate([training, validation]))]
    seconds = config.data.clip_seconds or read_clip_seconds(root, used)
    scenes, devices = (tuple(names(used)) for names in (scenes_of, devices_of))
    dataset = Dataset(str(Path(root).resolve()), scenes, devices, seconds, feature_mean=0.0, feature_std=1.0)
    build_model(config, dataset)  # settings that fit no network are refused here, not after hours of features
    teachers = find_teachers(root, config, run, dataset, report, strategy)
    own = len(training)
    with chief_first(strategy):
        # The test part's clips too: one that cannot be read should be known now, not after the training.
        features = features_of(root, clips, config, run, seconds, report)
        clips, training, features = with_translated(root, config, seconds, clips, training, features)
        mean, std = statistics(run, config, features, training, kept=not is_chief(strategy))
        dataset = dataclasses.replace(dataset, feature_mean=mean, feature_std=std)
        write_settings(run, config, dataset)
        labels = label_indices(clips, dataset.scenes)
        targets = cached_targets(run, config, teachers, features, labels, training, report)
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    with strategy.scope():
        model = build_model(config, dataset)
        student = distilled(config, model, teachers)
    report(
        f"{own} training and {len(validation)} validation clips of {seconds:g} s, "
        f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
    )
    if len(training) > own:
        report(f"and {len(training) - own} translated training clips")
    select = selection(run, config, clips, features, labels, validation)
    fit(run, config, student, features, labels, training, validation, report, augment_waveforms=augment_waveforms,
        targets=targets, **select)  # fmt: skip
    save_model(model, run / "last.keras")


def selection(run, config, clips, features, labels, validation):
    """Arguments of `fit` that keep the weights which train.select may name."""
    if config.train.select != "min-var":
        return {"best": run / "best.keras"}
    devices = clips.device.iloc[validation].to_numpy()
    if len(set(devices)) < 2:
        raise AscError("setting train.select is min-var; expected clips of two devices or more in the validation part")
    batches = evaluation_batches(features, labels, labels.max() + 1, rows=validation)
    keeper = MinVarianceCheckpoint(batches, labels[validation], devices, run / "min-var.keras")
    return {"best": run / "best.keras", "callbacks": [keeper]}


def fit(
    folder,
    config,
    model,
    features,
    labels,
    training,
    validation,
    report=print,
    best=None,
    augment_waveforms=None,
    optimizer=None,
    callbacks=(),
    **batch_settings,
):
    """Train a network by the settings of a Config, resumable; writes checkpoints/ and history.csv into the folder.

    `optimizer`, if given, takes the place of the settings' own; `batch_settings` go to `training_batches`.
    """
    settings, classes, strategy = config.train, model.output_shape[-1], model.distribute_strategy
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    with strategy.scope():
        model.compile(
            optimizer or build_optimizer(config, steps_per_epoch),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    batches = functools.partial(
        training_batches,
        features,
        labels,
        classes,
        settings.batch_size,
        config.seed,
        rows=training,
        augment=augmentation(config),
        augment_waveforms=augment_waveforms,
        **batch_settings,
    )
    validating = functools.partial(evaluation_batches, features, labels, classes, rows=validation)
    replicas = strategy.num_replicas_in_sync
    if replicas > 1:
        report(_shares(strategy, settings.batch_size))
        if 0 < len(validation) < replicas:
            raise AscError(
                f"{len(validation)} validation clips; expected none or as many as there are replicas, {replicas}"
            )
    with reading(features):
        history = resumable_fit(
            model,
            lambda start_step: _distributed(strategy, functools.partial(batches, start_step=start_step)),
            steps_per_epoch,
            settings.epochs,
            folder / "checkpoints",
            _distributed(strategy, validating) if len(validation) else None,
            best,
            report,
            callbacks=callbacks,
            validation_steps=evaluation_steps(len(validation), replicas) if replicas > 1 else None,
        )
    if is_chief(strategy):
        write_csv(folder / "history.csv", pd.DataFrame(history).rename_axis("epoch").reset_index())


def _distributed(strategy, batches):
    """What a function of an optional `context` gives each replica."""
    if strategy.num_replicas_in_sync == 1:
        return batches()
    return strategy.distribute_datasets_from_function(lambda context: batches(context=context))


def _shares(strategy, batch_size):
    replicas, workers = strategy.num_replicas_in_sync, workers_of(strategy)
    return (
        f"{replicas} replicas on {workers} worker{'s' if workers > 1 else ''}: global batch of {batch_size} clips, "
        f"{batch_size // replicas} a replica; the learning rate is that of the global batch"
    )
