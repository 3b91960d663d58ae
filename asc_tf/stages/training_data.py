"""The clips of a data set that a training reads."""

import numpy as np

from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.data.splits import list_path
from asc_tf.errors import AscError


def chosen_clips(root, config):
    """Frame of `read_clips`, in which only the clips that data.split lets a run train on are of the training part.

    Raises:
        AscError: as `read_clips` and `list_path`.
    """
    split = config.data.split
    return read_clips(root, None if split in ("official", "full") else list_path(root, split))


def split_clips(root, config):
    """Clips of a data set that a run of this Config may read, with its training and validation rows.

    Locations are held out before devices are left out (data.leave_out): they are the same with and without a device.

    Returns:
        (clips, training rows, validation rows).

    Raises:
        AscError: see the data reader; data.leave_out names a device without training clips, or leaves too few clips.
    """
    clips = chosen_clips(root, config)
    full = config.data.split == "full"
    clips = clips if full else clips[clips.split != ""].reset_index(drop=True)
    check_audio_files(root, clips)
    used = np.full(len(clips), True) if full else (clips.split == "train").to_numpy()
    held_out = hold_out_locations(clips[used], config.data.validation_fraction, config.seed)
    heard = _heard(clips[used], held_out, config)
    return clips, *(np.flatnonzero(used)[rows & heard] for rows in (~held_out, held_out))


def _heard(clips, held_out, config):
    """Whether each of a run's clips belongs to no device in data.leave_out."""
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
            raise AscError(f"{setting} and leaves no training clips of scene '{scene}'")
    if config.train.select != "last" and not (heard & held_out).any():
        raise AscError(
            f"{setting} and leaves no validation clips; expected some for train.select={config.train.select}"
        )
    return heard
