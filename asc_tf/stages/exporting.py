"""Export."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np

from asc_tf.atomic import exclusive
from asc_tf.complexity.keras_account import trainable_parameters
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import label_indices
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.export.onnx import export_onnx
from asc_tf.export.tflite import export_tflite
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.preconditions import check_export
from asc_tf.stages.training_data import chosen_clips
from asc_tf.stages.uncertainty import validation_threshold

_CALIBRATION_SEED = 0


def export(
    run,
    out=None,
    clips_to_check=None,
    format="float",
    input="waveform",
    calibration_clips=100,
    report=print,
    root=None,
    least_memory=False,
    device=None,
):
    """Write a run's network as a .tflite file and compare it with the Keras model on clips of every device.

    Args:
        run: run folder.
        out: file to write; RUN/model.tflite if None, or RUN/model.onnx. A file of another format is not overwritten.
        clips_to_check: number of clips of the test part (of the training part, if the run was trained on both) for the
            comparison, equally from all devices; 18 if None, and 90 for int8, whose agreement needs many clips.
        format, input: of `export_tflite`; or "onnx", which takes features (`export_onnx`).
        calibration_clips: number of training clips for the calibration of int8, equally from all devices.
        report: called with lines for the user.
        root: folder of a data set of the same scenes, whose clips take the place of the run's own.
        least_memory: of `export_tflite`.
        device: write the network of this device, as model-DEVICE.tflite beside the general one, with its clips alone;
            None writes the run's general network.

    Returns:
        (path of the file, number of trainable parameters, `Agreement`).

    Raises:
        AscError: as `export_tflite`, no finished run, unreadable clips, a path that is no file's, or another process is
            writing into the run.
    """
    run = Path(run)
    path = check_export(run, out, format, input, root, device)
    config, dataset = read_run(run)
    model = load_model(run, device)
    with exclusive(run) if path.parent.resolve() == run.resolve() else contextlib.nullcontext():
        if root is None and not dataset.root:
            report(f"{run}: has no data set (imported.json); the file is compared on noise, with --data ROOT on clips")
            agreement = _write_without_clips(path, model, config, dataset, format, input)
        else:
            threshold = None if root else validation_threshold(run, config, dataset, model, report, device)
            there = dataset if root is None else dataclasses.replace(dataset, root=str(root))
            clips = read_clips(root) if root else chosen_clips(there.root, config)
            clips = clips if device is None else clips[clips.device == device]
            checked = clips[clips.split == ("train" if config.data.split == "full" else "test")]
            checked = checked if len(checked) else clips[clips.split == "train"]  # a device may have no test clips
            heard = clips.device.isin(dataset.seen_devices) if root is None else True
            experiment = Experiment(config, there, clips)
            agreement = write_file(
                path, model, experiment, checked, clips[(clips.split == "train") & heard], format, input,
                clips_to_check, calibration_clips, threshold, least_memory,
            )  # fmt: skip
    return path, trainable_parameters(model), agreement


def _write_without_clips(path, model, config, dataset, format, input):
    """As `write_file`, for a run without a data set."""
    given = path, build_frontend(config), model, dataset.scenes, dataset.clip_seconds
    if format == "onnx":
        return export_onnx(*given)
    return export_tflite(*given, format=format, input=input)


def write_file(
    path,
    model,
    experiment,
    checked,
    training,
    format,
    input,
    clips_to_check=None,
    calibration_clips=100,
    uncertain_below=None,
    least_memory=False,
):
    """Write a network as a file and compare it with the Keras model.

    Args:
        path: of the file.
        model: network from features to logits.
        experiment: the `Experiment` of its run.
        checked, training: frames of `read_clips`, from which clips for the comparison and the calibration are taken.
        format, input, clips_to_check, calibration_clips: of `export`.
        uncertain_below: of `Metadata`; an ONNX file does not hold it.
        least_memory: of `export_tflite`.

    Returns:
        `Agreement`.

    Raises:
        AscError: as `export_tflite`, or clips that cannot be read.
    """
    dataset, cut = experiment.dataset, experiment.cut
    checked = _alike(checked, clips_to_check or (90 if format == "int8" else 18))

    def waveforms_of(chosen):
        return np.concatenate([cut.load(Path(dataset.root) / name) for name in chosen.filename])

    calibrate_on = None
    if format == "int8":
        shuffled = training.sample(frac=1, random_state=_CALIBRATION_SEED)
        calibrate_on = waveforms_of(_alike(shuffled, calibration_clips))
    given = path, experiment.frontend, model, dataset.scenes, dataset.clip_seconds, waveforms_of(checked)
    known = {"check_labels": label_indices(checked, dataset.scenes), "check_devices": checked.device.to_numpy()}
    if format == "onnx":
        return export_onnx(*given, **known)
    formats = {"format": format, "input": input, "uncertain_below": uncertain_below, "least_memory": least_memory}
    return export_tflite(*given, **formats, calibrate_on=calibrate_on, **known)


def _alike(clips, count):
    """The first clips of a frame, one of each device in turn."""
    return clips.loc[clips.groupby("device").cumcount().sort_values(kind="stable").index[:count]]
