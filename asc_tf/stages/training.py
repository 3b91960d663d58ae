"""Training."""

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import tf_keras as keras

from asc_tf.build import augmentation, build_model, build_optimizer, waveform_augmentation
from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.loader import evaluation_batches, label_indices, reading, training_batches
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.errors import AscError
from asc_tf.run_folder import Dataset, check_run_folder, write_csv, write_settings
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.features import features_of, statistics, with_translated
from asc_tf.stages.teacher import distilled, teacher_config, teacher_runs
from asc_tf.training.fit import resumable_fit, save_model
from asc_tf.training.seeding import set_seed
from asc_tf.training.selection import MinVarianceCheckpoint


def train(root, config, run, report=print):
    """Train a network, or go on with an interrupted training, then evaluate it on the test part, once.

    Args:
        root: folder of the data set.
        config: a `Config`.
        run: run folder; made if it is not there.
        report: called with lines for the user.

    Returns:
        The predictions on the test part, or None if there is none (data.split = full).

    Raises:
        AscError: see the data reader, the cache and `resumable_fit`; the folder holds a run of other settings.
    """
    run = Path(run)
    check_run_folder(run, config, root)
    full = config.data.split == "full"
    if not (run / "last.keras").is_file():
        _train(root, config, run, report)
    if full:
        report("trained on the test part as well: nothing is left to evaluate on")
    return None if full else predict_test(run, report=report)


def find_teachers(root, config, run, dataset, report):
    """Run folders of the teachers of a Config, trained first if distillation.recipe says so."""
    if config.distillation.recipe:
        train(root, teacher_config(config), run / "teacher", lambda line: report(f"teacher: {line}"))
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


def _train(root, config, run, report):
    clips, training, validation = split_clips(root, config)
    augment_waveforms = waveform_augmentation(config)
    used = clips.iloc[np.sort(np.concatenate([training, validation]))]
    seconds = config.data.clip_seconds or read_clip_seconds(root, used)
    scenes, devices = (tuple(names(used)) for names in (scenes_of, devices_of))
    dataset = Dataset(str(Path(root).resolve()), scenes, devices, seconds, feature_mean=0.0, feature_std=1.0)
    build_model(config, dataset)  # settings that fit no network are refused here, not after hours of features
    teachers = find_teachers(root, config, run, dataset, report)
    # The test part's clips too: one that cannot be read should be known now, not after the training.
    features = features_of(root, clips, config, run, seconds, report)
    own = len(training)
    clips, training, features = with_translated(root, config, seconds, clips, training, features)
    mean, std = statistics(run, config, features, training)
    dataset = dataclasses.replace(dataset, feature_mean=mean, feature_std=std)
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    model = build_model(config, dataset)
    write_settings(run, config, dataset)
    report(
        f"{own} training and {len(validation)} validation clips of {seconds:g} s, "
        f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
    )
    if len(training) > own:
        report(f"and {len(training) - own} translated training clips")
    labels = label_indices(clips, dataset.scenes)
    select = selection(run, config, clips, features, labels, validation)
    student, targets = distilled(run, config, model, teachers, features, labels, training, report)
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
    settings, classes = config.train, model.output_shape[-1]
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
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
    with reading(features):
        history = resumable_fit(
            model,
            lambda start_step: batches(start_step=start_step),
            steps_per_epoch,
            settings.epochs,
            folder / "checkpoints",
            evaluation_batches(features, labels, classes, rows=validation) if len(validation) else None,
            best,
            report,
            callbacks=callbacks,
        )
    write_csv(folder / "history.csv", pd.DataFrame(history).rename_axis("epoch").reset_index())
