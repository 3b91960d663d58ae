"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (what was read off the data: scenes, devices, clip length,
feature statistics), checkpoints/, history.csv, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite.
"""

import dataclasses
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import tf_keras as keras

from asc_tf.atomic import write_text
from asc_tf.augment import augment_batch
from asc_tf.data.cache import cached_features, fit_length, mean_and_std
from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.loader import evaluation_batches, label_indices, training_batches
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import confusion_matrix, device_metrics, predictions_frame, scene_metrics
from asc_tf.evaluation.report import device_table, scene_table, seeds_table
from asc_tf.export.tflite import export_tflite
from asc_tf.frontend.decode import audio_seconds, load_waveform
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
    return None if full else predict_test(run)


def _train(root, config, run, report):
    set_seed(config.seed, config.deterministic)
    clips = read_clips(root)
    full = config.data.split == "full"
    used = clips if full else clips[clips.split == "train"]
    check_audio_files(root, clips if full else clips[clips.split != ""])
    held_out = hold_out_locations(used, config.data.validation_fraction, config.seed)
    frontend = build_frontend(config)
    clip_seconds = config.data.clip_seconds or audio_seconds(Path(root) / used.filename.iloc[0])
    features = cached_features(root, used, frontend, clip_seconds, _cache_folder(root, run))
    mean, std = mean_and_std(features, np.flatnonzero(~held_out))
    dataset = Dataset(
        str(Path(root).resolve()), tuple(scenes_of(used)), tuple(devices_of(used)), clip_seconds, mean, std
    )
    model = build_model(config, dataset)
    write_settings(run, config, dataset)
    report(
        f"{used.shape[0] - held_out.sum()} training and {held_out.sum()} validation clips of {clip_seconds:g} s, "
        f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
    )
    _fit(run, config, model, features, label_indices(used, dataset.scenes), held_out, report)


def predict_test(run, root=None):
    """Predictions of a trained run on the test part of its data set, or of another one at `root`.

    The test part of the run's own data is read once; its predictions stay in the run folder.

    Returns:
        Frame of `asc_tf.evaluation.metrics.predictions_frame`.

    Raises:
        AscError: not a trained run, trained on the test part, or clips of scenes unknown to the network.
    """
    run = Path(run)
    config, dataset = read_run(run)
    if root is not None:
        return _predict(run, root)
    kept = run / "predictions.csv"
    if kept.is_file():
        text = dict.fromkeys(("clip_id", "device", "scene", "predicted"), str)
        return pd.read_csv(kept, dtype=text, keep_default_na=False)
    if config.data.split == "full":
        raise AscError(f"{run}: was trained on the test part too (data.split=full); give another data set with --data")
    predictions = _predict(run, dataset.root)
    write_csv(kept, predictions)
    return predictions


def _predict(run, root):
    config, dataset = read_run(run)
    clips = read_clips(root)
    clips = clips[clips.split == "test"].reset_index(drop=True)
    labels = label_indices(clips, dataset.scenes)
    check_audio_files(root, clips)
    frontend = build_frontend(config)
    features = cached_features(root, clips, frontend, dataset.clip_seconds, _cache_folder(root, run))
    logits = load_model(run).predict(evaluation_batches(features, labels, len(dataset.scenes)), verbose=0)
    return predictions_frame(clips, logits, dataset.scenes)


def evaluate(run, root=None):
    """Tables of a run on its test part, or on that of another data set; written beside it and returned as text.

    Writes metrics.json, devices.csv, scenes.csv and confusion.csv into the run folder, or into its subfolder
    on-NAME for another data set.
    """
    run = Path(run)
    _, dataset = read_run(run)
    predictions = predict_test(run, root)
    devices = device_metrics(predictions, dataset.seen_devices)
    scenes = scene_metrics(predictions)
    confusion = confusion_matrix(predictions, list(dataset.scenes))
    folder = run / f"on-{Path(root).resolve().name}" if root else run
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
    samples = round(dataset.clip_seconds * frontend.sample_rate_hz)
    waveforms = [
        fit_length(load_waveform(path, frontend.sample_rate_hz), samples, frontend.sample_rate_hz, path)
        for path in (Path(dataset.root) / name for name in clips.filename[rank])
    ]
    path = Path(out or run / "model.tflite")
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    difference = export_tflite(path, frontend, model, dataset.scenes, dataset.clip_seconds, np.stack(waveforms))
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


def _fit(run, config, model, features, labels, held_out, report):
    settings, classes = config.train, model.output_shape[-1]
    training, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)
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

    def batches(start_step):
        return training_batches(
            _Rows(features, training), labels[training], classes, settings.batch_size, config.seed,
            _augmentation(config), start_step,
        )  # fmt: skip

    history = resumable_fit(
        model,
        batches,
        steps_per_epoch,
        settings.epochs,
        run / "checkpoints",
        evaluation_batches(_Rows(features, validation), labels[validation], classes) if len(validation) else None,
        run / "best.keras",
        report,
    )
    write_csv(run / "history.csv", pd.DataFrame(history).rename_axis("epoch").reset_index())
    save_model(model, run / "last.keras")


def _cache_folder(root, run):
    """Beside the recordings, for all runs; in the run folder where the recordings are read-only."""
    return (Path(root) if os.access(root, os.W_OK) else run) / "features"


def _augmentation(config):
    """`augment_batch` with a Config's arguments, seconds turned into frames."""
    arguments = dataclasses.asdict(config.augment)
    roll_frames = round(arguments.pop("roll_seconds") * 1000 / config.frontend.hop_ms)
    return lambda features, labels, seed: augment_batch(features, labels, seed, roll_frames=roll_frames, **arguments)


class _Rows:
    """Some rows of a memory map, looked up when they are asked for."""

    def __init__(self, features, rows):
        self.features, self.rows = features, rows
        self.dtype, self.shape = features.dtype, (len(rows), *features.shape[1:])

    def __getitem__(self, index):
        return self.features[self.rows[index]]
