"""Features of a run's clips."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import mean_and_std
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.translated import read_translated, translated_folder
from asc_tf.data.waveforms import Cut, read_clip_seconds
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import read_run


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


def with_translated(root, config, seconds, clips, training, features):
    """Add the translated clips that data.translated names to those of a run, behind them.

    Only clips that the run trains on are used as translated ones too: not those that it validates on, nor those of a
    device that it leaves out (data.leave_out); and none that were translated to such a device. The translator itself
    may have been trained on the device.

    Args:
        root: folder of the data set.
        config: a `Config`.
        seconds: length of a clip.
        clips, training: frame and rows of `asc_tf.stages.training.split_clips`.
        features: of the clips.

    Returns:
        The three with the translated clips: (clips, training, features).

    Raises:
        AscError: see `read_translated`.
    """
    if not config.data.translated:
        return clips, training, features
    folder = translated_folder(root, config.data.translated)
    frontend = build_frontend(config)
    own = clips.iloc[training]
    own = own[own.split == "train"]
    cut = Cut(frontend.sample_rate_hz, seconds)
    rows, translated = read_translated(folder, root, own, frontend, cut, config.data.leave_out or ())
    numbers = np.arange(len(clips), len(clips) + len(rows))
    clips = pd.concat([clips, rows[clips.columns]], ignore_index=True)
    return clips, np.concatenate([training, numbers]), features.followed_by(translated)


def statistics(run, config, features, training, kept=False):
    """Mean and deviation of the training rows, of all values or of each bin as model.standardization says.

    Of a run that streams they were kept, to spare a pass over the audio, and with `kept` those of the run's chief are
    taken.
    """
    if (kept or config.data.features == "stream") and (run / "dataset.json").is_file():
        _, dataset = read_run(run)
        return dataset.feature_mean, dataset.feature_std
    return mean_and_std(features, training, by_bin=config.model.standardization == "bin")
