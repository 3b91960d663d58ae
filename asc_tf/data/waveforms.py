"""Clips as waveforms of one length, whole or in pieces."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asc_tf.audio.waveform import audio_seconds, load_waveform
from asc_tf.errors import AscError

if TYPE_CHECKING:
    import pandas as pd

LENGTH_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True)
class Cut:
    """How a clip becomes rows of features: its length, and the length of its pieces.

    Args:
        sample_rate_hz: of the waveform.
        clip_seconds: length of every clip; a tenth of a second is cut or padded with zeros, more is an error.
        piece_seconds: length of consecutive pieces, each a row; a shorter rest is dropped. None keeps the whole clip.

    Raises:
        AscError: a length that is not positive, or a piece that is longer than the clip.
    """

    sample_rate_hz: int
    clip_seconds: float
    piece_seconds: float | None = None

    def __post_init__(self):
        for seconds in (self.clip_seconds, self.piece_seconds):
            if seconds is not None and not 1 <= seconds * self.sample_rate_hz < 2**31:
                raise AscError(f"a length of {seconds:g} s is given; expected a positive number of seconds")
        if self.samples > self.clip_samples:
            raise AscError(
                f"pieces of {self.piece_seconds:g} s are given; expected at most {self.clip_seconds:g} s, the "
                "length of "
                "the clips"
            )

    @property
    def clip_samples(self):
        """Samples of a clip."""
        return round(self.clip_seconds * self.sample_rate_hz)

    @property
    def samples(self):
        """Samples of a piece."""
        return self.clip_samples if self.piece_seconds is None else round(self.piece_seconds * self.sample_rate_hz)

    @property
    def pieces(self):
        """Pieces of a clip."""
        return self.clip_samples // self.samples

    def load(self, path):
        """Pieces of an audio file, float32 [pieces, samples]. Raises AscError: unreadable, or of another length."""
        return self.of(load_waveform(path, self.sample_rate_hz), path)

    def of(self, waveform, name):
        """Pieces of a waveform, float32 [pieces, samples]. Raises AscError if the waveform has another length."""
        whole = fit_length(waveform, self.clip_samples, self.sample_rate_hz, name)
        return whole[: self.pieces * self.samples].reshape(self.pieces, self.samples)


def fit_length(waveform, samples, sample_rate_hz, name):
    """Bring a waveform [n] to [samples]: a tenth of a second is cut or padded with zeros, more is an error.

    Raises:
        AscError: the clip `name` is longer or shorter by more than that.
    """
    if abs(len(waveform) - samples) > LENGTH_TOLERANCE_SECONDS * sample_rate_hz:
        raise AscError(
            f"{name}: lasts {len(waveform) / sample_rate_hz:.2f} s; expected {samples / sample_rate_hz:.2f} s like the "
            "first training clip (set data.clip_seconds for another length)"
        )
    if len(waveform) < samples:
        waveform = np.pad(waveform, (0, samples - len(waveform)))
    return waveform[:samples]


def read_clip_seconds(root: str | os.PathLike, clips: pd.DataFrame) -> float:
    """Length in seconds of a data set's clips, from the first clip of the frame that can be read.

    Raises:
        AscError: none can be read; names the first clip.
    """
    first = None
    for name in clips.filename:
        try:
            return audio_seconds(Path(root) / name)
        except AscError as error:
            first = first or error
    raise first or AscError(f"{root}: has no clip to read the length from")


def repeat_pieces(clips, pieces):
    """The frame of a data set's pieces: a row for each piece, with the piece's number at the end of clip_id."""
    if pieces == 1:
        return clips.reset_index(drop=True)
    repeated = clips.loc[clips.index.repeat(pieces)].reset_index(drop=True)
    numbers = np.tile(np.arange(pieces), len(clips)).astype(str)
    return repeated.assign(clip_id=repeated.clip_id + "-" + numbers)


def audio_state(root, filenames):
    """The state of recordings, to notice changes: ({filename: (bytes, mtime in ns)}, {filename: problem})."""
    state, problems = {}, {}
    for name in filenames:
        try:
            status = (Path(root) / name).stat()
            state[name] = status.st_size, status.st_mtime_ns
        except (OSError, ValueError) as error:  # ValueError: a zero byte in a name from a damaged row of a shard
            problems[name] = f"{Path(root) / name}: cannot be read ({getattr(error, 'strerror', error)})"
    return state, problems
