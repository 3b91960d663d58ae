"""Features of a run's clips."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.cache import cached_features
from asc_tf.data.loader import mean_and_std
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.translated import read_translated, translated_folder
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import read_run
from asc_tf.stages.training_data import chosen_clips


def compute_features(root, config, workers=None, report=print):
    """Compute the features of all clips of a data set's training and test part into ROOT/features; `asc-tf features`.

    Returns:
        `StoredFeatures` in the order of meta.csv.

    Raises:
        AscError: see `cached_features`.
    """
    clips = chosen_clips(root, config)
    clips = clips[clips.split != ""].reset_index(drop=True)
    seconds = config.data.clip_seconds or read_clip_seconds(root, clips[clips.split == "train"])
    return cached_features(root, clips, build_frontend(config), seconds, workers=workers, report=report)


def features_of(experiment, run, report, piece_seconds=None):
    """The features of an `Experiment`'s clips, by the method of data.features."""
    root, clips, seconds = experiment.dataset.root, experiment.clips, experiment.dataset.clip_seconds
    if experiment.config.data.features == "stream":
        return StreamedFeatures(root, clips, experiment.frontend, seconds, piece_seconds)
    # Beside the recordings, shared by all runs; in the run folder if the recordings are read-only.
    directory = (Path(root) if os.access(root, os.W_OK) else run) / "features"
    return cached_features(root, clips, experiment.frontend, seconds, directory, piece_seconds, report=report)


def with_translated(experiment):
    """Append the translated clips of data.translated to an `Experiment` with features.

    Only translations of the run's training clips are used: none of validation clips, none from or to a device that the
    run leaves out (data.leave_out). The translator itself may have been trained on the device.

    Raises:
        AscError: see `read_translated`.
    """
    data, root, clips = experiment.config.data, experiment.dataset.root, experiment.clips
    if not data.translated:
        return experiment
    own = clips.iloc[experiment.training]
    own = own[own.split == "train"]
    folder = translated_folder(root, data.translated)
    rows, translated = read_translated(folder, root, own, experiment.frontend, experiment.cut, data.leave_out or ())
    numbers = np.arange(len(clips), len(clips) + len(rows))
    return dataclasses.replace(
        experiment,
        clips=pd.concat([clips, rows[clips.columns]], ignore_index=True),
        training=np.concatenate([experiment.training, numbers]),
        features=experiment.features.followed_by(translated),
    )


def statistics(experiment, run, kept=False):
    """Mean and deviation of the training rows, of all values or of each bin, by model.standardization.

    A streaming run keeps them in its folder, to save a pass over the audio. With `kept`, the chief's are read.
    """
    config = experiment.config
    if (kept or config.data.features == "stream") and (run / "dataset.json").is_file():
        _, dataset = read_run(run)
        return dataset.feature_mean, dataset.feature_std
    by_bin = config.model.standardization == "bin"
    return mean_and_std(experiment.features, experiment.training, by_bin=by_bin)
