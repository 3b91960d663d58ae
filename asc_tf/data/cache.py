"""Features of many clips, computed once and kept on disk."""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from asc_tf.atomic import exclusive, whole_file, write_text
from asc_tf.data.shards import SHARDS, StoredFeatures, read_shard, row_type, shard_filenames, shard_of, write_shard
from asc_tf.data.waveforms import Cut, audio_state
from asc_tf.errors import AscError

if TYPE_CHECKING:
    import pandas as pd

    from asc_tf.frontend.mel_spectrogram import MelSpectrogram

FORMAT = 2  # raise it when the layout of a row, the decoding or the resampling changes


def cached_features(
    root: str | os.PathLike,
    clips: pd.DataFrame,
    frontend: MelSpectrogram,
    clip_seconds: float,
    directory: str | os.PathLike | None = None,
    piece_seconds: float | None = None,
    workers: int | None = None,
    report: Callable[[str], object] = lambda line: None,
) -> StoredFeatures:
    """Features of the clips of a frame: read from the cache where present, else computed and stored.

    The cache is a folder named after everything that determines its content: the frontend with its version and
    settings, and the clips' length. Its 64 shards hold a row for each clip, with the size and modification time of the
    audio file and a checksum. So only changed recordings and damaged rows are computed again. Shards appear whole or
    not at all; after a kill or on a full disk the finished shards stay, and the next call computes the rest. Two
    processes may call at once: one fills the cache, the other waits. The bytes of a cache depend on the clips alone,
    not on workers, order or interruptions.

    Features are kept as float16: for log-mel spectrograms (|x| < 17) this rounds by at most 0.008, or 0.034 dB, far
    below the difference between two microphones; for PCEN (0 to 9) by half as much. On the test part of ESC-10 Mobile,
    unrounded log-mel features changed none of the 6,480 decisions of nine trained networks, and no probability by more
    than 0.0011 (benchmarks/float16.py).

    Args:
        root: folder of the data set.
        clips: frame of `asc_tf.data.clips.read_clips`.
        frontend: layer from waveform to features, such as `LogMel`.
        clip_seconds: length of every clip.
        directory: folder of the caches; ROOT/features if None.
        piece_seconds: cut each clip into consecutive pieces of this length, each a row; see `Cut`.
        workers: threads that read and compute; None takes one per processor.
        report: called with lines for the user.

    Returns:
        `StoredFeatures` [clips * pieces, frequency, time], float16, in the frame's order.

    Raises:
        AscError: clips that cannot be read or have another length, named in unreadable.csv after all others are done;
            or a disk that is full or read-only.
    """
    cut = Cut(frontend.sample_rate_hz, clip_seconds, piece_seconds)
    cache = _Cache(Path(root), frontend, cut, Path(directory or Path(root) / "features"))
    state, problems = audio_state(root, clips.filename)
    offsets, damaged = cache.read(state)
    if len(offsets) < len(state):
        with exclusive(cache.folder, report):
            offsets, damaged = cache.read(state)  # another process may have filled the cache meanwhile
            for path, rows in damaged.items():
                report(f"{path}: {rows} damaged {'row' if rows == 1 else 'rows'}, computed anew")
            offsets |= cache.fill(state, offsets, problems, workers or os.cpu_count())
    _report_problems(cache.folder, len(clips), problems)
    return cache.rows(clips.filename, offsets)


def feature_settings(frontend, cut):
    """All that determines the features of a recording, as a dict for JSON: the frontend and the length (a `Cut`)."""
    return {
        "format": FORMAT,
        "frontend": {"name": type(frontend).__name__, "version": frontend.version, **frontend.settings()},
        "clip_samples": cut.clip_samples,
        "piece_samples": cut.samples,
    }


class _Cache:
    """The cache folder of one frontend and length: its path, its content, and how to fill it."""

    def __init__(self, root, frontend, cut, directory):
        self.root, self.frontend, self.cut = root, frontend, cut
        self.settings = feature_settings(frontend, cut)
        key = hashlib.sha256(json.dumps(self.settings).encode()).hexdigest()[:16]
        self.folder = directory / f"{type(frontend).__name__.lower()}-{key}"
        self.paths = [self.folder / f"{number:02d}.npy" for number in range(SHARDS)]
        self.files = {}  # shards read so far, kept open: another process may replace the files on disk at any moment
        self.shape = (cut.pieces, *frontend.feature_shape(cut.samples)[:2])

    def read(self, state, shards=range(SHARDS)):
        """({filename: offset} of the valid rows among those of `state`, {path: number of damaged rows})."""
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(lambda number: read_shard(self.paths[number], self.shape, state.get), shards))
        self.files |= {number: file for number, (file, _, _) in zip(shards, results, strict=True)}
        offsets = {name: offset for _, found, _ in results for name, offset in found.items()}
        return offsets, {self.paths[number]: n for number, (_, _, n) in zip(shards, results, strict=True) if n}

    def fill(self, state, offsets, problems, workers):
        """Compute the rows of `state` that are not among `offsets`; unreadable clips go into the dict `problems`.

        Returns:
            {filename: offset} of all rows of the shards that were written.
        """
        write_text(self.folder / "settings.json", json.dumps(self.settings, indent=2) + "\n")
        missing = defaultdict(list)
        for name in sorted(state.keys() - offsets.keys()):
            missing[shard_of(name)].append(name)
        stop = threading.Event()
        with (
            ThreadPoolExecutor(workers) as pool,
            tqdm(
                total=len(state), initial=len(offsets), desc="features", unit="clip", disable=None, leave=False
            ) as bar,
        ):
            features_of = self._transform(stop, bar)
            jobs = [
                pool.submit(self._fill_shard, number, names, state, problems, features_of)
                for number, names in sorted(missing.items())
            ]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return self.read(state, sorted(missing))[0]

    def rows(self, filenames, offsets):
        """The `StoredFeatures` of clips, all pieces of a clip together."""
        shards = np.array([shard_of(name) for name in filenames])
        starts = np.array([offsets[name] for name in filenames], np.int64)
        piece_bytes = 2 * int(np.prod(self.shape[1:]))
        starts = starts[:, np.newaxis] + piece_bytes * np.arange(self.cut.pieces)
        return StoredFeatures(self.folder, self.files, shards.repeat(self.cut.pieces), starts.ravel(), self.shape[1:])

    def _fill_shard(self, number, names, state, problems, features_of):
        path = self.paths[number]
        state = audio_state(self.root, shard_filenames(path))[0] | state  # valid rows of other clips stay
        file, kept, _ = read_shard(path, self.shape, state.get)
        ordered = sorted({*kept, *names})

        def rows():
            places = np.array([*kept.values()], np.int64)
            old = StoredFeatures(self.folder, {number: file}, np.full(len(kept), number), places, self.shape)
            position = {name: i for i, name in enumerate(kept)}
            for name in ordered:
                try:
                    features = old[position[name]] if name in kept else features_of(name)
                except AscError as error:
                    problems[name] = str(error)
                    continue
                yield name.encode(), *state[name], features

        write_shard(path, rows(), len(ordered), row_type([name.encode() for name in ordered], self.shape))

    def _transform(self, stop, bar):
        graph = _graph_of(self.frontend, self.cut.pieces, self.cut.samples)

        def features_of(name):
            if stop.is_set():
                raise InterruptedError
            pieces = self.cut.load(self.root / name)
            bar.update()
            return graph(tf.constant(pieces)).numpy()

        return features_of


@functools.lru_cache(maxsize=4)
def _graph_of(frontend, pieces, samples):
    """The features of a recording's pieces as a TensorFlow graph: to trace it takes longer than a few recordings."""
    return tf.function(
        lambda waveforms: tf.cast(frontend(waveforms)[..., 0], tf.float16),
        input_signature=[tf.TensorSpec((pieces, samples))],
        autograph=False,
    ).get_concrete_function()


def _report_problems(folder, clips, problems):
    """Name unreadable clips in unreadable.csv and raise an AscError; if there are none, remove that file."""
    path = folder / "unreadable.csv"
    if not problems:
        with contextlib.suppress(OSError):  # no such file, or a read-only disk
            path.unlink()
        return
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("filename", "problem"), *sorted(problems.items())])
    name = min(problems)
    raise AscError(f"{problems[name]}; {len(problems)} of {clips} clips cannot be used, {path} names them all")
