"""Training."""

import functools
import math
from pathlib import Path

import pandas as pd
import tf_keras as keras

from asc_tf.build import augmentation, build_model, build_optimizer, waveform_augmentation
from asc_tf.data.loader import evaluation_batches, reading, training_batches
from asc_tf.errors import AscError
from asc_tf.run_folder import check_run_folder, write_csv, write_settings
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.teacher import distilled, teacher_config, teacher_runs
from asc_tf.stages.training_data import choose_clips, read_features
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


def _train(root, config, run, report):
    chosen = choose_clips(root, config)
    teachers = find_teachers(root, config, run, chosen.dataset, report)
    data = read_features(root, config, run, chosen, report)
    write_settings(run, config, data.dataset)
    model = fit_network(run, config, data, teachers, report)
    save_model(model, run / "last.keras")


def fit_network(run, config, data, teachers=(), report=print, until=None):
    """Train the network of a Config, resumable, up to epoch `until` of its epochs; returns it."""
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    model = build_model(config, data.dataset)
    select = selection(run, config, data.clips, data.features, data.labels, data.validation)
    student, targets = distilled(run, config, model, teachers, data.features, data.labels, data.training, report)
    fit(run, config, student, data.features, data.labels, data.training, data.validation, report,
        augment_waveforms=waveform_augmentation(config), targets=targets, until=until, **select)  # fmt: skip
    return student


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
    until=None,
    **batch_settings,
):
    """Train a network by the settings of a Config, resumable; writes checkpoints/ and history.csv into the folder.

    `optimizer`, if given, takes the place of the settings' own; `until` ends it after so many of the epochs, whose
    learning rates stay those of all; `batch_settings` go to `training_batches`.
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
            until or settings.epochs,
            folder / "checkpoints",
            evaluation_batches(features, labels, classes, rows=validation) if len(validation) else None,
            best,
            report,
            callbacks=callbacks,
        )
    write_csv(folder / "history.csv", pd.DataFrame(history).rename_axis("epoch").reset_index())
