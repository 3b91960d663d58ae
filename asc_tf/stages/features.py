"""Features of a run's clips."""

import os
from pathlib import Path

from asc_tf.build import build_frontend
from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import mean_and_std
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.run_folder import read_run


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


def features_of(root, clips, config, run, seconds, report, piece_seconds=None):
    """The features of clips from where data.features says."""
    frontend = build_frontend(config)
    if config.data.features == "stream":
        return StreamedFeatures(root, clips, frontend, seconds, piece_seconds)
    # Beside the recordings, for all runs; in the run folder where the recordings are read-only.
    directory = (Path(root) if os.access(root, os.W_OK) else run) / "features"
    return cached_features(root, clips, frontend, seconds, directory, piece_seconds, report=report)


def statistics(run, config, features, training):
    """Mean and deviation of the training rows, of all values or of each bin as model.standardization says.

    Of a run that streams they were kept, to spare a pass over the audio.
    """
    if config.data.features == "stream" and (run / "dataset.json").is_file():
        _, dataset = read_run(run)
        return dataset.feature_mean, dataset.feature_std
    return mean_and_std(features, training, by_bin=config.model.standardization == "bin")
