"""The fitting of a network by an experiment's settings, for every stage that trains one."""

import functools
import math

import tf_keras as keras

from asc_tf.data.loader import evaluation_batches, evaluation_steps, reading, training_batches
from asc_tf.distributed.replicas import is_chief, workers_of
from asc_tf.errors import AscError
from asc_tf.experiment.build import augmentation, build_optimizer, waveform_augmentation
from asc_tf.experiment.history import write_history
from asc_tf.training.confusion import ConfusionAccuracy
from asc_tf.training.event_files import EventFiles
from asc_tf.training.fit import resumable_fit
from asc_tf.training.precision import with_scaled_loss
from asc_tf.training.selection import MinVarianceCheckpoint


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


def validation_log_loss(experiment, model):
    """Mean log loss of a network on an `Experiment`'s validation clips."""
    labels, rows = experiment.labels, experiment.validation
    batches = evaluation_batches(experiment.features, labels, len(experiment.dataset.scenes), rows=rows)
    logits = model.predict(batches, verbose=0)
    return float(keras.losses.sparse_categorical_crossentropy(labels[rows], logits, from_logits=True).numpy().mean())


def _event_files(folder, experiment, classes, writes):
    """`EventFiles` of a training, with a picture of its first clip."""

    def clip():
        rows = experiment.training[:2]
        return next(iter(evaluation_batches(experiment.features, experiment.labels, classes, rows=rows)))

    return EventFiles(folder / "tensorboard", clip, augmentation(experiment.config), writes)


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
