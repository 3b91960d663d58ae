"""Paired clips aligned in time, and their features stored for training."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from asc_tf.atomic import checked_file
from asc_tf.errors import AscError
from asc_tf.frontend.log_mel import LogMel

if TYPE_CHECKING:
    import pandas as pd

    from asc_tf.data.waveforms import Cut

ALIGNMENT_HOP_MS = 5.0


def align_pairs(
    root: str | os.PathLike, pairs: pd.DataFrame, cut: Cut, max_lag_seconds: float = 1.0, min_correlation: float = 0.3
) -> pd.DataFrame:
    """Find the lag of each pair's target, and whether the two clips hold the same sound at all.

    Log-mel spectrograms of 40 bins with a hop of 5 ms are cross-correlated along time, each bin without its mean, and
    the sum over bins is normalized by the energies of the overlap:

        c(l) = sum_ft x_ft y_f(t+l) / sqrt(sum_ft x_ft^2 sum_ft y_f(t+l)^2)

    Waveforms do not serve: two microphones filter, compress and delay a sound differently, while the level in each band
    runs nearly the same course. A pair whose largest c is below `min_correlation` is dropped.

    Args:
        root: folder of the data set.
        pairs: frame of `find_pairs`.
        cut: `asc_tf.data.waveforms.Cut`.
        max_lag_seconds: largest lag to look for; at most half a clip.
        min_correlation: smallest correlation of a kept pair.

    Returns:
        The pairs with columns lag_ms (target after source), correlation and kept.

    Raises:
        AscError: a clip cannot be read, or no pair of a device is kept.

    Difference: the papers do not say how clips are aligned.
    """
    frontend = LogMel(cut.sample_rate_hz, window_ms=40.0, hop_ms=ALIGNMENT_HOP_MS, mel_bins=40)
    spectrogram = _graph(frontend, cut.samples)
    max_lag = round(min(max_lag_seconds, cut.clip_seconds / 2) * 1000 / ALIGNMENT_HOP_MS)

    def align(pair):
        return lag_between(*(spectrogram(_load(root, name, cut)) for name in (pair.source, pair.target)), max_lag)

    lags, correlations = zip(*_progress(align, pairs, "alignment"), strict=True)
    lag_ms = np.array(lags) * ALIGNMENT_HOP_MS
    aligned = pairs.assign(lag_ms=lag_ms, correlation=correlations)
    aligned["kept"] = aligned.correlation >= min_correlation
    for device, kept in aligned.groupby("device").kept:
        if not kept.any():
            raise AscError(
                f"device '{device}': none of its {len(kept)} pairs correlates by {min_correlation:g} or more; "
                "give a lower --min-correlation, or leave the device out"
            )
    return aligned


def lag_between(x, y, max_lag):
    """Lag of y behind x, both [bins, frames], in frames, and the correlation there; see `align_pairs`.

    Returns:
        (lag from -max_lag to max_lag, correlation from -1 to 1; 0 and 0.0 if nothing ever changes).
    """
    frames = x.shape[1]
    length = 1 << (2 * frames - 1).bit_length()
    x, y = (values.astype(np.float64) - values.mean(axis=1, keepdims=True, dtype=np.float64) for values in (x, y))
    spectra = np.conj(np.fft.rfft(x, length)) * np.fft.rfft(y, length)
    lags = np.arange(-max_lag, max_lag + 1)
    products = np.fft.irfft(spectra.sum(axis=0), length)[lags]
    energy_x, energy_y = (np.concatenate([[0], np.cumsum(np.sum(values**2, axis=0))]) for values in (x, y))
    early, late = np.maximum(-lags, 0), np.maximum(lags, 0)
    energy = (energy_x[frames - late] - energy_x[early]) * (energy_y[frames - early] - energy_y[late])
    correlation = products / np.sqrt(np.maximum(energy, 1e-12))
    best = np.argmax(correlation)
    if correlation[best] <= 0:
        return 0, 0.0
    return int(lags[best]), float(correlation[best])


def write_pair_features(path, root, pairs, frontend, cut):
    """Write the features of aligned pairs, both clips cut to their common part, as an .npy file, whole or not at all.

    Args:
        path: of the file, float16 [pairs, 2 (source and target), frequency, time]; time is a clip less the largest lag.
        root: folder of the data set.
        pairs: frame of `align_pairs`, only the kept ones.
        frontend: layer from waveform to features.
        cut: `asc_tf.data.waveforms.Cut`.

    Raises:
        AscError: a clip cannot be read, or the file cannot be written.
    """
    late = {pair.Index: round(pair.lag_ms / 1000 * cut.sample_rate_hz) for pair in pairs.itertuples()}
    samples = cut.samples - max(map(abs, late.values()))
    features = _graph(frontend, samples)

    def both(pair):
        starts = max(-late[pair.Index], 0), max(late[pair.Index], 0)
        waveforms = (_load(root, name, cut) for name in (pair.source, pair.target))
        return np.stack([features(each[a : a + samples]) for each, a in zip(waveforms, starts, strict=True)])

    shape = (len(pairs), 2, *frontend.feature_shape(samples)[:2])
    with checked_file(path) as part, part.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in _progress(both, pairs, "pairs"):
            file.write(row.astype("<f2").tobytes())


def mean_differences(features, targets, rows, devices):
    """Mean difference of target and source in each bin, for each device, over some rows of pairs: [devices, frequency].

    Args:
        features: [pairs, 2, frequency, time].
        targets: index of each pair's device, int [pairs].
        rows: numbers of the pairs to use; at least one for each device.
        devices: number of devices.
    """
    sums, counts = np.zeros((devices, features.shape[2])), np.bincount(targets[rows], minlength=devices)
    for row in rows:
        source, target = features[row].astype(np.float64)
        sums[targets[row]] += (target - source).mean(axis=1)
    return sums / counts[:, np.newaxis]


def random_crop(pairs, targets, seed, frames):
    """Cut the same stretch of frames from both clips of each pair of a batch: an `augment` of `training_batches`.

    Args:
        pairs: [batch, 2, frequency, time, 1].
        targets: passed through.
        seed: stateless seed [2].
        frames: length of the stretch.

    Returns:
        (pairs [batch, 2, frequency, frames, 1], targets).
    """
    starts = tf.random.stateless_uniform((pairs.shape[0], 1), seed, 0, pairs.shape[3] - frames + 1, tf.int32)
    return tf.gather(pairs, starts + tf.range(frames), axis=3, batch_dims=1), targets


def _load(root, name, cut):
    return cut.load(Path(root) / name)[0]


def _graph(frontend, samples):
    """Function from a waveform [samples] to features [frequency, time], for several threads at once."""
    graph = tf.function(
        lambda waveform: frontend(waveform[tf.newaxis])[0, ..., 0],
        input_signature=[tf.TensorSpec((samples,))],
        autograph=False,
    ).get_concrete_function()
    return lambda waveform: graph(tf.constant(waveform)).numpy()


def _progress(function, pairs, name):
    """Results for all rows of a frame in order, computed by all processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from tqdm(
            pool.map(function, pairs.itertuples()), total=len(pairs), desc=name, unit="pair", disable=None, leave=False
        )
