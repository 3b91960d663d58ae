"""Evaluation on the test part."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from asc_tf.atomic import exclusive, write_text
from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.data.loader import label_indices, reading
from asc_tf.data.names import check_labels
from asc_tf.data.waveforms import read_clip_seconds, repeat_pieces
from asc_tf.errors import AscError
from asc_tf.evaluation.calibration import device_calibration
from asc_tf.evaluation.metrics import (
    confusion_matrix,
    device_changes,
    device_gaps,
    device_metrics,
    predictions_frame,
    scene_metrics,
)
from asc_tf.evaluation.report import changes_table, device_table, scene_table
from asc_tf.experiment.build import build_model
from asc_tf.experiment.data_set_folder import folder_on, write_root
from asc_tf.experiment.device_networks import devices_with_networks
from asc_tf.experiment.run_folder import read_csv, read_run, write_checked_csv, write_csv
from asc_tf.experiment.trained_on import check_unseen
from asc_tf.stages.device_routing import routed_logits
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of
from asc_tf.stages.preconditions import check_evaluation

GENERAL = "general"  # folder of the results of the general network, where each device has its own


def predict_test(run, root=None, seconds=None, report=print, general=False):
    """Predictions of a trained run on the test part of its data set, or of another one at `root`.

    The test part of the run's own data is read once; its predictions stay in the run folder, and are made anew where
    they are damaged.

    Args:
        run: run folder.
        root: folder of another data set, or None.
        seconds: cut the clips into consecutive pieces of this length, each classified by itself (Lee et al., DCASE
            Workshop 2022, table 3); None classifies whole clips of the length that the run was trained on.
        report: called with lines for the user.
        general: of a run with a network for each device, take the general one for all clips; else each clip is
            classified by the network of its device.

    Returns:
        Frame of `asc_tf.evaluation.metrics.predictions_frame`, one row a clip or piece.

    Raises:
        AscError: not a trained run, trained on the test part or on some of its clips, another process is writing into
            the run, clips of scenes unknown to the network, or clips shorter than `seconds`.
    """
    run = Path(run)
    dataset = read_run(run)[1]
    if root is not None or seconds is not None:
        check_evaluation(run, root, seconds)
        return _predict(run, root or dataset.root, seconds, report, general)
    kept = (run / GENERAL if general else run) / "predictions.csv"
    if kept.is_file():
        check_evaluation(run)
        try:
            return read_predictions(kept, dataset.scenes)
        except AscError as error:
            report(f"{error}; the clips are classified anew")
    with exclusive(run):
        check_evaluation(run)
        predictions = _predict(run, dataset.root, None, report, general)
        write_checked_csv(kept, predictions)
    return predictions


def read_predictions(path, scenes):
    """The frame of `predictions_frame` in a file. Raises AscError if it is damaged or of other scenes."""
    text, probabilities = ("clip_id", "device", "scene", "predicted"), [f"p({scene})" for scene in scenes]
    # Files of older runs have no filename.
    predictions = read_csv(path, (*text, "log_loss", *probabilities), (*text, "filename"))
    found = predictions[probabilities].to_numpy()
    names = np.asarray(scenes)
    if not (
        np.isfinite(predictions.log_loss).all()
        and np.allclose(found.sum(axis=1), 1, atol=1e-3)
        and (names[found.argmax(axis=1)] == predictions.predicted).all()
        and predictions.scene.isin(names).all()
    ):
        raise AscError(f"{path}: its probabilities and predictions do not belong together; expected those of each clip")
    return predictions


def _predict(run, root, piece_seconds, report, general):
    config, dataset = read_run(run)
    clips = read_clips(root)
    clips = clips[clips.split == "test"].reset_index(drop=True)
    if root == dataset.root:
        check_unseen(run, dataset, clips)
    label_indices(clips, dataset.scenes)
    check_labels(f"{root} and {run}", "device", sorted({*dataset.seen_devices, *clips.device}))
    check_audio_files(root, clips)
    seconds = read_clip_seconds(root, clips) if piece_seconds else dataset.clip_seconds
    there = Experiment(config, dataclasses.replace(dataset, root=str(root), clip_seconds=seconds), clips)
    features = features_of(there, run, report, piece_seconds)
    clips = repeat_pieces(clips, len(features) // len(clips))

    def prepared(network):
        if not piece_seconds:
            return network
        for_pieces = build_model(config, dataclasses.replace(dataset, clip_seconds=piece_seconds))
        for_pieces.set_weights(network.get_weights())
        return for_pieces

    with reading(features):
        logits = routed_logits(run, clips, features, label_indices(clips, dataset.scenes), general, prepared)
    return predictions_frame(clips, logits, dataset.scenes)


def evaluate(run, root=None, seconds=None, report=print):
    """Tables of a run on its test part, or on that of another data set; written beside it and returned as text.

    Writes predictions.csv, metrics.json, devices.csv, scenes.csv and confusion.csv into the run folder, or into its
    subfolder on-NAME for another data set, pieces-1s for pieces of clips, on-NAME-1s for both. Arguments as in
    `predict_test`. Of a run with a network for each device these are the results with each clip's own network; those of
    the general network are in the subfolder general, and the text compares them.
    """
    run = Path(run)
    _, dataset = read_run(run)
    with exclusive(run):
        predictions, folder = predict_test(run, root, seconds, report), tables_folder(run, root, seconds)
        if folder != run:
            write_checked_csv(folder / "predictions.csv", predictions)
        text = write_tables(folder, predictions, dataset.seen_devices, dataset.scenes, root)
        if not devices_with_networks(run, dataset):
            return text
        general = predict_test(run, root, seconds, report, general=True)
        if folder != run:
            write_checked_csv(folder / GENERAL / "predictions.csv", general)
        write_tables(folder / GENERAL, general, dataset.seen_devices, dataset.scenes)
        both = {"general": general, "per device": predictions}
        metrics = {name: device_metrics(each, dataset.seen_devices) for name, each in both.items()}
        return f"{changes_table(device_changes(metrics))}\n\n{text}"


def tables_folder(run, root=None, seconds=None):
    """Where `evaluate` writes its tables."""
    ending = f"-{seconds:g}s" if seconds else ""
    if root:
        return folder_on(root, Path(run) / "on", ending)
    return Path(run) / f"pieces{ending}" if seconds else Path(run)


def write_tables(folder, predictions, seen_devices, scene_names, root=None):
    """Write metrics.json, devices.csv, scenes.csv and confusion.csv of predictions; return the tables as text.

    The folder of another data set, `root`, also says which one it is.
    """
    if root:
        write_root(folder, root)
    devices = device_metrics(predictions, seen_devices)
    scenes = scene_metrics(predictions)
    confusion = confusion_matrix(predictions, list(scene_names))
    calibration, curves = device_calibration(predictions, seen_devices)
    with_gaps = devices.join(device_gaps(devices)).join(calibration)
    write_csv(folder / "devices.csv", with_gaps.rename_axis("device").reset_index())
    write_csv(folder / "scenes.csv", scenes.rename_axis("scene").reset_index())
    write_csv(folder / "confusion.csv", confusion.reset_index())
    metrics = {
        "devices": with_gaps.to_dict("index"),
        "scenes": scenes.to_dict("index"),
        "reliability": curves,
        "confusion": {"scenes": list(scene_names), "clips": confusion.to_numpy().tolist()},
    }
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return f"{device_table(devices)}\n\n{scene_table(scenes, confusion)}"


def evaluate_changes(runs, path, report=print):
    """Evaluate several runs on their test part and return a table of accuracy and log loss per device as text.

    What was evaluated before is read back; another process that writes into one of the runs is waited for. Arguments
    and errors besides as of `predict_test`.

    Args:
        runs: {name: run folder}, all of one data set; the others are compared with the first.
        path: of the CSV file for the frame of `device_changes`.
    """
    metrics = {}
    for name, run in runs.items():
        with exclusive(run, report):
            evaluate(run, report=report)
        metrics[name] = device_metrics(predict_test(run), read_run(run)[1].seen_devices)
    changes = device_changes(metrics)
    write_csv(path, changes)
    return changes_table(changes)
