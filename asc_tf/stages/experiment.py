"""One experiment: settings on a data set, with the clips and features that a run's stages share."""

import dataclasses
import functools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.data.clips import devices_of, scenes_of
from asc_tf.data.loader import label_indices
from asc_tf.data.waveforms import Cut, read_clip_seconds
from asc_tf.experiment.build import build_frontend, waveform_augmentation
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.settings import Config
from asc_tf.experiment.trained_on import digest_of, trained_clips
from asc_tf.stages.features import features_of, statistics, with_translated
from asc_tf.stages.training_data import split_clips


def _no_rows():
    return field(default_factory=lambda: np.zeros(0, np.intp))


@dataclass(frozen=True, eq=False)
class Experiment:
    """Settings, data set, clips, row numbers for training and validation, and features.

    Args:
        config: a `Config`.
        dataset: a `Dataset`.
        clips: frame of `read_clips`; once there are features, translated clips follow the recordings.
        recorded: row numbers of the recordings to train on.
        validation: row numbers to validate on.
        training: row numbers to train on, including those of translated clips.
        features: of all rows; None until `with_features`.
    """

    config: Config
    dataset: Dataset
    clips: pd.DataFrame
    recorded: np.ndarray = _no_rows()
    validation: np.ndarray = _no_rows()
    training: np.ndarray = _no_rows()
    features: object = None

    @classmethod
    def begin(cls, root, config):
        """The experiment of a new run, without features and their statistics.

        Raises:
            AscError: as `split_clips`, `read_clip_seconds` and `waveform_augmentation`.
        """
        clips, training, validation = split_clips(root, config)
        waveform_augmentation(config)
        used = clips.iloc[np.sort(np.concatenate([training, validation]))]
        seconds = config.data.clip_seconds or read_clip_seconds(root, used)
        scenes, devices = (tuple(names(used)) for names in (scenes_of, devices_of))
        digest = digest_of(trained_clips(clips, training, validation))
        dataset = Dataset(str(Path(root).resolve()), scenes, devices, seconds, 0.0, 1.0, digest)
        return cls(config, dataset, clips, training, validation, training)

    @classmethod
    def again(cls, config, dataset):
        """The experiment of a trained run, without features. Raises an AscError as `split_clips`."""
        clips, training, validation = split_clips(dataset.root, config)
        return cls(config, dataset, clips, training, validation, training)

    def with_features(self, run, report):
        """The same experiment with the features of all clips, and with the translated clips that data.translated names.

        Missing features are computed, those of the test part too: an unreadable clip should be known now, not after the
        training.

        Args:
            run: run folder; it holds the features if the recordings are read-only.
            report: called with lines for the user.
        """
        return with_translated(dataclasses.replace(self, features=features_of(self, run, report)))

    def with_statistics(self, run, report, kept=False):
        """The same with the features' mean and deviation in its data set, see `asc_tf.stages.features.statistics`."""
        mean, std = statistics(self, run, kept)
        dataset = dataclasses.replace(self.dataset, feature_mean=mean, feature_std=std)
        report(
            f"{len(self.recorded)} training and {len(self.validation)} validation clips of {dataset.clip_seconds:g} s, "
            f"{len(dataset.scenes)} scenes, devices {', '.join(dataset.seen_devices)}"
        )
        if len(self.training) > len(self.recorded):
            report(f"and {len(self.training) - len(self.recorded)} translated training clips")
        return dataclasses.replace(self, dataset=dataset)

    def of_device(self, device):
        """The same experiment with the training and validation clips of one device alone."""
        recorded, validation, training = (
            rows[(self.clips.device.iloc[rows] == device).to_numpy()]
            for rows in (self.recorded, self.validation, self.training)
        )
        return dataclasses.replace(self, recorded=recorded, validation=validation, training=training)

    def of_validation(self):
        """An experiment whose clips are the validation clips of this one, without features."""
        clips = self.clips.iloc[self.validation].reset_index(drop=True)
        return type(self)(self.config, self.dataset, clips)

    def with_config(self, config):
        """The same experiment with other settings that affect neither clips nor features."""
        return dataclasses.replace(self, config=config)

    @functools.cached_property
    def frontend(self):
        """The frontend layer of its features."""
        return build_frontend(self.config)

    @property
    def cut(self):
        """The `Cut` from recordings to clips."""
        return Cut(self.frontend.sample_rate_hz, self.dataset.clip_seconds)

    @functools.cached_property
    def trained(self):
        """Frame of `asc_tf.experiment.trained_on.trained_clips`: only recordings, no translated clips."""
        return trained_clips(self.clips, self.recorded, self.validation)

    @functools.cached_property
    def labels(self):
        """Index of each clip's scene, int32 [clips]."""
        return label_indices(self.clips, self.dataset.scenes)
