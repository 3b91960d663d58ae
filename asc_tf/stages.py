"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (what was read off the data: scenes, devices, clip length,
feature statistics), checkpoints/, history.csv, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite.
"""

import dataclasses
import functools
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import tf_keras as keras

from asc_tf.atomic import write_text
from asc_tf.augment import augment_batch, device_impulse_response, load_impulse_responses
from asc_tf.data.cache import cached_features
from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.loader import evaluation_batches, label_indices, mean_and_std, reading, training_batches
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.waveforms import Cut, read_clip_seconds, repeat_pieces
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import confusion_matrix, device_metrics, predictions_frame, scene_metrics
from asc_tf.evaluation.report import device_table, scene_table, seeds_table
from asc_tf.export.tflite import export_tflite
from asc_tf.frontend.log_mel import LogMel
from asc_tf.models import bc_resnet_asc
from asc_tf.run_folder import Dataset, check_run_folder, load_model, read_run, write_csv, write_settings
from asc_tf.training.fit import resumable_fit, save_model
from asc_tf.training.optimizers import SGDWithL2
from asc_tf.training.schedules import warmup_cosine
from asc_tf.training.seeding import set_seed


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


def _train(root, config, run, report):
    clips = read_clips(root)
    full = config.data.split == "full"
    clips = clips if full else clips[clips.split != ""].reset_index(drop=True)
    check_audio_files(root, clips)
    augment_waveforms = _waveform_augmentation(config)
    used = np.full(len(clips), True) if full else (clips.split == "train").to_numpy()
    held_out = hold_out_locations(clips[used], config.data.validation_fraction, config.seed)
    training, validation = (np.flatnonzero(used)[rows] for rows in (~held_out, held_out))
    seconds = config.data.clip_seconds or read_clip_seconds(root, clips[used])
    scenes, devices = (tuple(names(clips[used])) for names in (scenes_of, devices_of))
    dataset = Dataset(str(Path(root).resolve()), scenes, devices, seconds, feature_mean=0.0, feature_std=1.0)
    build_model(config, dataset)  # settings that fit no network are refused here, not after hours of features
    # The test part's clips too: one that cannot be read should be known now, not after the training.
    features = _features(root, clips, config, run, seconds, report)
    mean, std = _statistics(run, config, features, training)
    dataset = dataclasses.replace(dataset, feature_mean=mean, feature_std=std)
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    model = build_model(config, dataset)
    write_settings(run, config, dataset)
    report(
        f"{len(training)} training and {len(validation)} validation clips of {seconds:g} s, "
        f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
    )
    labels = label_indices(clips, dataset.scenes)
    with reading(features):
        _fit(run, config, model, features, labels, training, validation, augment_waveforms, report)


def _statistics(run, config, features, training):
    """Mean and deviation of the training part; of a run that streams they were kept, to spare a pass over the audio."""
    if config.data.features == "stream" and (run / "dataset.json").is_file():
        _, dataset = read_run(run)
        return dataset.feature_mean, dataset.feature_std
    return mean_and_std(features, training)


def compute_features(root, config, workers=None, report=print):
    """Compute the features of all clips of a data set's training and test part into ROOT/features; `asc-tf features`.

    Returns:
        `StoredFeatures` in the order of meta.csv.

    Raises:
        AscError: see `cached_features`.
    """
    clips = read_clips(root)
    clips = clips[clips.split != ""].reset_index(drop=True)
    seconds = config.data.clip_seconds or read_clip_seconds(root, clips[clips.split == "train"])
    return cached_features(root, clips, build_frontend(config), seconds, workers=workers, report=report)


def predict_test(run, root=None, seconds=None, report=print):
    """Predictions of a trained run on the test part of its data set, or of another one at `root`.

    The test part of the run's own data is read once; its predictions stay in the run folder.

    Args:
        run: run folder.
        root: folder of another data set, or None.
        seconds: cut the clips into consecutive pieces of this length, each classified by itself (Lee et al., DCASE
            Workshop 2022, table 3); None classifies whole clips of the length that the run was trained on.
        report: called with lines for the user.

    Returns:
        Frame of `asc_tf.evaluation.metrics.predictions_frame`, one row a clip or piece.

    Raises:
        AscError: not a trained run, trained on the test part, clips of scenes unknown to the network, or clips shorter
            than `seconds`.
    """
    run = Path(run)
    config, dataset = read_run(run)
    if root is None and config.data.split == "full":
        raise AscError(f"{run}: was trained on the test part too (data.split=full); give another data set with --data")
    if root is not None or seconds is not None:
        return _predict(run, root or dataset.root, seconds, report)
    kept = run / "predictions.csv"
    if kept.is_file():
        text = dict.fromkeys(("clip_id", "device", "scene", "predicted"), str)
        return pd.read_csv(kept, dtype=text, keep_default_na=False)
    predictions = _predict(run, dataset.root, None, report)
    write_csv(kept, predictions)
    return predictions


def _predict(run, root, piece_seconds, report):
    config, dataset = read_run(run)
    clips = read_clips(root)
    clips = clips[clips.split == "test"].reset_index(drop=True)
    label_indices(clips, dataset.scenes)
    check_audio_files(root, clips)
    seconds = read_clip_seconds(root, clips) if piece_seconds else dataset.clip_seconds
    features = _features(root, clips, config, run, seconds, report, piece_seconds)
    clips = repeat_pieces(clips, len(features) // len(clips))
    model = load_model(run)
    if piece_seconds:
        weights = model.get_weights()
        model = build_model(config, dataclasses.replace(dataset, clip_seconds=piece_seconds))
        model.set_weights(weights)
    with reading(features):
        labels = label_indices(clips, dataset.scenes)
        logits = model.predict(evaluation_batches(features, labels, len(dataset.scenes)), verbose=0)
    return predictions_frame(clips, logits, dataset.scenes)


def evaluate(run, root=None, seconds=None, report=print):
    """Tables of a run on its test part, or on that of another data set; written beside it and returned as text.

    Writes metrics.json, devices.csv, scenes.csv and confusion.csv into the run folder, or into its subfolder
    on-NAME for another data set, pieces-1s for pieces of clips, on-NAME-1s for both. Arguments as in `predict_test`.
    """
    run = Path(run)
    _, dataset = read_run(run)
    predictions = predict_test(run, root, seconds, report)
    devices = device_metrics(predictions, dataset.seen_devices)
    scenes = scene_metrics(predictions)
    confusion = confusion_matrix(predictions, list(dataset.scenes))
    names = [f"on-{Path(root).resolve().name}" if root else "pieces"] + ([f"{seconds:g}s"] if seconds else [])
    folder = run / "-".join(names) if root or seconds else run
    write_csv(folder / "devices.csv", devices.rename_axis("device").reset_index())
    write_csv(folder / "scenes.csv", scenes.rename_axis("scene").reset_index())
    write_csv(folder / "confusion.csv", confusion.reset_index())
    metrics = {
        "devices": devices.to_dict("index"),
        "scenes": scenes.to_dict("index"),
        "confusion": {"scenes": list(dataset.scenes), "clips": confusion.to_numpy().tolist()},
    }
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return f"{device_table(devices)}\n\n{scene_table(scenes, confusion)}"


def evaluate_seeds(run, seeds, report=print):
    """Repeat a run with the next seeds, in its subfolder seeds/, and return mean and deviation as text.

    The run itself is the first of them. Runs that are there already are read, those that were interrupted go on.
    Writes seeds.csv into the run folder.
    """
    run = Path(run)
    config, dataset = read_run(run)
    results = {}
    for seed in range(config.seed, config.seed + seeds):
        keras.backend.clear_session()
        folder = run if seed == config.seed else run / "seeds" / str(seed)
        if seed != config.seed:
            report(f"seed {seed}")
        predictions = train(dataset.root, dataclasses.replace(config, seed=seed), folder, report)
        if predictions is None:
            raise AscError(f"{run}: was trained on the test part too (data.split=full): there is nothing to compare")
        results[seed] = device_metrics(predictions, dataset.seen_devices)
    text, summary = seeds_table(results)
    write_csv(run / "seeds.csv", summary.rename_axis("device").reset_index())
    return text


def export(run, out=None, clips_to_check=18):
    """Write a run's network as a .tflite file and compare it with the Keras model on clips of every device.

    Returns:
        (path of the file, number of trainable parameters, largest difference of a probability).
    """
    run = Path(run)
    config, dataset = read_run(run)
    model = load_model(run)
    frontend = build_frontend(config)
    clips = read_clips(dataset.root)
    clips = clips[clips.split == ("train" if config.data.split == "full" else "test")]
    rank = clips.groupby("device").cumcount().sort_values(kind="stable").index[:clips_to_check]
    cut = Cut(frontend.sample_rate_hz, dataset.clip_seconds)
    waveforms = [cut.load(Path(dataset.root) / name) for name in clips.filename[rank]]
    path = Path(out or run / "model.tflite")
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    difference = export_tflite(path, frontend, model, dataset.scenes, dataset.clip_seconds, np.concatenate(waveforms))
    return path, parameters, difference


def build_frontend(config):
    """The frontend of a Config. Raises AscError if its settings do not fit together."""
    try:
        return LogMel(**dataclasses.asdict(config.frontend))
    except ValueError as error:
        raise AscError(f"the frontend's settings do not fit together: {error}") from error


def build_model(config, dataset):
    """The network of a Config for a Dataset. Raises AscError if its settings do not fit together."""
    frontend = build_frontend(config)
    try:
        return bc_resnet_asc(
            input_shape=frontend.feature_shape(round(dataset.clip_seconds * frontend.sample_rate_hz)),
            classes=len(dataset.scenes),
            feature_mean=dataset.feature_mean,
            feature_std=dataset.feature_std,
            **dataclasses.asdict(config.model),
        )
    except ValueError as error:
        raise AscError(f"the network's settings do not fit together: {str(error).splitlines()[0]}") from error


def _fit(run, config, model, features, labels, training, validation, augment_waveforms, report):
    settings, classes = config.train, model.output_shape[-1]
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    model.compile(
        SGDWithL2(
            warmup_cosine(settings.learning_rate, steps_per_epoch, settings.epochs, settings.warmup_epochs),
            settings.momentum,
            settings.l2,
        ),
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
    )
    history = resumable_fit(
        model,
        lambda start_step: batches(start_step=start_step),
        steps_per_epoch,
        settings.epochs,
        run / "checkpoints",
        evaluation_batches(features, labels, classes, rows=validation) if len(validation) else None,
        run / "best.keras",
        report,
    )
    write_csv(run / "history.csv", pd.DataFrame(history).rename_axis("epoch").reset_index())
    save_model(model, run / "last.keras")


def _features(root, clips, config, run, seconds, report, piece_seconds=None):
    """The features of clips from where data.features says."""
    frontend = build_frontend(config)
    if config.data.features == "stream":
        return StreamedFeatures(root, clips, frontend, seconds, piece_seconds)
    # Beside the recordings, for all runs; in the run folder where the recordings are read-only.
    directory = (Path(root) if os.access(root, os.W_OK) else run) / "features"
    return cached_features(root, clips, frontend, seconds, directory, piece_seconds, report=report)


def augmentation(config):
    """`augment_batch` with a Config's arguments, seconds turned into frames."""
    arguments = dataclasses.asdict(config.augment)
    for name in ("impulse_responses", "impulse_response_probability"):
        del arguments[name]
    arguments["roll_frames"] = round(arguments.pop("roll_seconds") * 1000 / config.frontend.hop_ms)
    return functools.partial(augment_batch, **arguments)


def _waveform_augmentation(config):
    """`device_impulse_response` with a Config's arguments, or None."""
    settings = config.augment
    if not settings.impulse_responses:
        return None
    responses = load_impulse_responses(settings.impulse_responses, config.frontend.sample_rate_hz)
    return functools.partial(
        device_impulse_response, responses=responses, probability=settings.impulse_response_probability
    )
