"""Features computed from the audio files on each request, without a cache."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from asc_tf.audio.waveform import resample
from asc_tf.data import graph_wav
from asc_tf.data.host_function import gather, host_function
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError

if TYPE_CHECKING:
    import pandas as pd

    from asc_tf.data.shards import StoredFeatures
    from asc_tf.frontend.mel_spectrogram import MelSpectrogram


class StreamedFeatures:
    """The clips of a frame as a source of features for `training_batches`, `evaluation_batches` and `mean_and_std`.

    Use it for data sets that change, for features that do not fit on the disk, and for augmentations of the waveform.
    The features equal those of `cached_features` bit by bit. TensorFlow decodes mono WAV files of 16, 24 and 32 bits in
    the graph; `load_waveform` reads everything else. soxr, called from the graph, resamples in either case.

    Attributes:
        shape: [rows, frequency, time]; the pieces of a clip are rows of their own.
        dtype: float16; features are rounded to it as in the cache.

    Args:
        root: folder of the data set.
        clips: frame of `asc_tf.data.clips.read_clips`.
        frontend: layer from waveform to features, such as `LogMel`.
        clip_seconds: length of every clip.
        piece_seconds: cut each clip into consecutive pieces of this length, each a row; see `Cut`.
    """

    dtype = np.dtype(np.float16)

    def __init__(
        self,
        root: str | os.PathLike,
        clips: pd.DataFrame,
        frontend: MelSpectrogram,
        clip_seconds: float,
        piece_seconds: float | None = None,
    ):
        self.frontend = frontend
        self.cut = Cut(frontend.sample_rate_hz, clip_seconds, piece_seconds)
        self.shape = (len(clips) * self.cut.pieces, *frontend.feature_shape(self.cut.samples)[:2])
        self._paths = tf.constant([str(Path(root) / name) for name in clips.filename])
        self._recordings, self._stored = self.shape[0], None
        self._error = None

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        """Features of some rows, float16, computed one after the other: for inspection, not for training."""
        rows = np.arange(len(self))[index]
        batches = self.batches(tf.data.Dataset.from_tensors(rows.ravel()), max(1, rows.size))
        with self.errors():
            features = [batch.numpy() for _, batch in batches] or [np.empty((0, *self.shape[1:]), self.dtype)]
        return features[0].reshape(*rows.shape, *self.shape[1:])

    def followed_by(self, stored: StoredFeatures) -> StreamedFeatures:
        """These rows followed by those of `StoredFeatures` of the same frequency and time, such as translated clips.

        Augmentations of waveforms do not affect the latter, which have none.
        """
        both = copy.copy(self)
        both._stored, both.shape = stored, (len(self) + len(stored), *self.shape[1:])
        return both

    def batches(self, rows: Iterable[int], batch_size: int) -> tf.data.Dataset:
        """tf.data of (rows, float16 features [batch, frequency, time]), unaugmented; arguments as of `waveforms`."""
        waveforms = tf.data.Dataset.zip((rows, self.waveforms(rows, batch_size)))
        return waveforms.map(lambda row, waveforms: (row, self.transform(waveforms, row)))

    def waveforms(self, rows: Iterable[int], batch_size: int) -> tf.data.Dataset:
        """From row numbers to waveforms; rows that have only features get silence.

        Args:
            rows: tf.data of int64 [batch].
            batch_size: size of all batches except perhaps the last one; None if the sizes differ.

        Returns:
            tf.data of float32 [batch, samples], in the same order.
        """
        if batch_size is None:
            return rows.map(lambda row: tf.map_fn(self._waveform, row, fn_output_signature=tf.float32))
        single = rows.unbatch().map(self._waveform, num_parallel_calls=os.cpu_count(), deterministic=True)
        return single.batch(batch_size)

    def transform(self, waveforms: tf.Tensor, rows: tf.Tensor, augment: Callable | None = None) -> tf.Tensor:
        """From waveforms to features, in a graph.

        Args:
            waveforms: float32 [batch, samples], of `waveforms`.
            rows: row numbers, int64 [batch].
            augment: function from waveforms to waveforms, applied first.

        Returns:
            float16 [batch, frequency, time].
        """

        def heard(waveforms):
            waveforms = augment(waveforms) if augment else waveforms
            return tf.cast(self.frontend(waveforms)[..., 0], tf.float16)

        if self._stored is None:
            return heard(waveforms)
        recorded = rows < self._recordings
        parts = [
            heard(tf.boolean_mask(waveforms, recorded)),
            gather(self._stored, tf.boolean_mask(rows, ~recorded) - self._recordings),
        ]
        places = [tf.cast(tf.where(part)[:, 0], tf.int32) for part in (recorded, ~recorded)]
        batch = tf.dynamic_stitch(places, parts)
        batch.set_shape((*rows.shape, *self.shape[1:]))
        return batch

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turn TensorFlow's error about an unreadable clip inside the block back into the AscError that names it."""
        self._error = None
        try:
            yield
        except tf.errors.OpError as error:
            message = self._error or self._unopened()
            raise (AscError(message) if message else error) from None

    def _unopened(self):
        """The problem of the first file that cannot even be opened (TensorFlow opens the files itself), or None."""
        for path in self._paths.numpy():
            try:
                with open(path, "rb"):
                    pass
            except OSError as error:
                return f"{path.decode()}: cannot be read ({error.strerror})"
        return None

    def _waveform(self, row):
        if self._stored is None:
            return self._recorded(row)
        return tf.cond(row < self._recordings, lambda: self._recorded(row), lambda: tf.zeros(self.cut.samples))

    def _recorded(self, row):
        path, piece = tf.gather(self._paths, row // self.cut.pieces), row % self.cut.pieces
        raw = tf.io.read_file(path)
        kind, rate = graph_wav.kind_and_rate(raw)
        branches = [
            lambda: self._on_host(self._load, path, piece),
            *(
                lambda kind=kind: self._on_host(self._resample, graph_wav.decode(raw, kind), rate, path, piece)
                for kind in graph_wav.KINDS
            ),
        ]
        waveform = tf.switch_case(kind, branches)
        waveform.set_shape((self.cut.samples,))
        return waveform

    def _load(self, path, piece):
        return self.cut.load(path.decode())[piece]

    def _resample(self, samples, rate, path, piece):
        return self.cut.of(resample(samples, int(rate), self.cut.sample_rate_hz), path.decode())[piece]

    def _on_host(self, function, *arguments):
        def call(*values):
            try:
                return function(*values)
            except AscError as error:
                # The text, not the error: the error would keep its traceback and so the pipeline alive until the next
                # error ends the pipeline in one of its own threads, which would then wait for itself.
                self._error = str(error)
                raise

        return host_function(call, arguments, tf.float32)
