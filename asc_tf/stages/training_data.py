"""What a training reads of a data set."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.loader import label_indices
from asc_tf.data.waveforms import read_clip_seconds
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_model, waveform_augmentation
from asc_tf.experiment.run_folder import Dataset
from asc_tf.stages.features import features_of, statistics, with_translated


@dataclass(frozen=True)
class TrainingData:
    """What a training reads: `Dataset`, clips, rows of them to train on and to validate on, features, labels."""

    dataset: Dataset
    clips: pd.DataFrame
    training: np.ndarray
    validation: np.ndarray
    features: object = None
    labels: np.ndarray | None = None


def choose_clips(root, config):
    """`TrainingData` without features, with a `Dataset` without their statistics.

    Settings that fit no network are refused here, not after hours of features. Raises AscError as `split_clips`.
    """
    clips, training, validation = split_clips(root, config)
    waveform_augmentation(config)
    used = clips.iloc[np.sort(np.concatenate([training, validation]))]
    seconds = config.data.clip_seconds or read_clip_seconds(root, used)
    scenes, devices = (tuple(names(used)) for names in (scenes_of, devices_of))
    dataset = Dataset(str(Path(root).resolve()), scenes, devices, seconds, feature_mean=0.0, feature_std=1.0)
    build_model(config, dataset)
    return TrainingData(dataset, clips, training, validation)


def read_features(root, config, run, chosen, report, kept=False):
    """`TrainingData` with all that `choose_clips` leaves out; features are computed if they are not there.

    With `kept` their statistics are those that the run's chief has written.
    """
    clips, training, seconds = chosen.clips, chosen.training, chosen.dataset.clip_seconds
    # The test part's clips too: one that cannot be read should be known now, not after the training.
    features = features_of(root, clips, config, run, seconds, report)
    clips, training, features = with_translated(root, config, seconds, clips, training, features)
    mean, std = statistics(run, config, features, training, kept)
    dataset = dataclasses.replace(chosen.dataset, feature_mean=mean, feature_std=std)
    own = len(chosen.training)
    report(
        f"{own} training and {len(chosen.validation)} validation clips of {seconds:g} s, "
        f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
    )
    if len(training) > own:
        report(f"and {len(training) - own} translated training clips")
    labels = label_indices(clips, dataset.scenes)
    return TrainingData(dataset, clips, training, chosen.validation, features, labels)


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
