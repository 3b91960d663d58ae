"""From features, cached or streamed, to batches: a tf.data order that depends only on seed and step."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from asc_tf.data.host_function import gather, host_function
from asc_tf.errors import AscError
from asc_tf.internals.tensorflow import untuned

if TYPE_CHECKING:
    import pandas as pd

    from asc_tf.data.shards import StoredFeatures
    from asc_tf.data.stream import StreamedFeatures

    Features = StoredFeatures | StreamedFeatures | np.ndarray


def label_indices(clips: pd.DataFrame, scenes: Sequence[str]) -> np.ndarray:
    """Index of each clip's scene in `scenes`, int32 [clips].

    Raises:
        AscError: a clip's scene is not among them.
    """
    index = {scene: i for i, scene in enumerate(scenes)}
    unknown = clips[~clips.scene.isin(scenes)]
    if len(unknown):
        first = unknown.iloc[0]
        raise AscError(
            f"{first.filename}: scene '{first.scene}' is unknown to the network; it knows {', '.join(scenes)}"
        )
    return clips.scene.map(index).to_numpy(np.int32)


def training_batches(
    features: Features,
    labels: np.ndarray,
    classes: int,
    batch_size: int,
    seed: int = 0,
    augment: Callable | None = None,
    start_step: int = 0,
    rows: np.ndarray | None = None,
    augment_waveforms: Callable | None = None,
    context: tf.distribute.InputContext | None = None,
    select: Callable | None = None,
    targets: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Endless shuffled, augmented batches for `model.fit(..., steps_per_epoch=...)`.

    The clips of all epochs form one stream, one permutation of all clips after the other; batch k is its k-th stretch
    of `batch_size` clips. So every clip comes equally often, no batch is short, and batch k is the same whether the
    stream began at step 0 or at step k: an interrupted run continues with the very next clip.

    Several machines or replicas share each batch: with `context`, this is the input function of
    `tf.distribute.Strategy.distribute_datasets_from_function`, and every replica gets its own stretch of the global
    batch. Together the replicas read, without overlap, the batches that a single process would read.

    Args:
        features: [clips, frequency, time]: `StoredFeatures`, `StreamedFeatures`, array or memory map.
        labels: int [clips], of `label_indices`.
        classes: number of scenes.
        batch_size: clips per batch, over all replicas.
        seed: seed of the order and the augmentation.
        augment: function (features [batch, frequency, time, 1], one-hot labels, stateless seed [2]) to (features,
            labels).
        start_step: number of batches to leave out at the beginning.
        rows: numbers of the training clips; None means all.
        augment_waveforms: function (waveforms [batch, samples], stateless seed [2]) to waveforms, for
            `StreamedFeatures`.
        context: `tf.distribute.InputContext`, or None for a single process.
        select: function (step, rows int [batch], seed [2]) to bool [batch], on the host: the clips of batch `step` that
            stay, before augmentation, such as `asc_tf.training.device_drop.DeviceRandomDrop`.
        targets: float [clips, n], passed to the training beside the labels, such as a teacher's probabilities;
            augmentation treats them as it treats the labels.

    Returns:
        tf.data of (float32 features [batch, frequency, time, 1], float32 one-hot labels [batch, classes], with
        `targets` [batch, classes + n]).

    Raises:
        ValueError: a batch that the replicas cannot share evenly, or `augment_waveforms` without waveforms.
    """
    if augment_waveforms and not hasattr(features, "waveforms"):
        raise ValueError("augment_waveforms needs StreamedFeatures; cached features hold no waveforms")
    numbers, share = _batch_numbers(batch_size, start_step, context)
    replicas = context.num_replicas_in_sync if context else 1
    order = _order(np.arange(len(labels)) if rows is None else np.asarray(rows), seed, share)

    def seeds(number):
        return tf.stack([tf.constant(seed, tf.int64), number])

    def finish(number, row, batch):
        if select:
            keep = host_function(
                lambda number, row: select(number // replicas, row, (seed, number)), [number, row], tf.bool
            )
            keep.set_shape(row.shape)
            row, batch = tf.boolean_mask(row, keep), tf.boolean_mask(batch, keep)
        batch, label = _as_example(batch, tf.gather(tf.constant(labels), row), classes)
        if targets is not None:
            label = tf.concat([label, tf.gather(tf.constant(targets, tf.float32), row)], axis=1)
        return augment(batch, label, seed=seeds(number)) if augment else (batch, label)

    def treat(number, row, waveforms):
        waveforms.set_shape((share, None))  # as with cached features: else compilation differs
        augment = augment_waveforms and functools.partial(augment_waveforms, seed=seeds(number))
        return finish(number, row, features.transform(waveforms, row, augment))

    keyed = numbers.map(lambda number: (number, order(number)), num_parallel_calls=1)
    if hasattr(features, "waveforms"):
        waveforms = features.waveforms(keyed.map(lambda number, row: row), share)
        batches = tf.data.Dataset.zip((keyed, waveforms)).map(
            lambda key, waveforms: treat(*key, waveforms), num_parallel_calls=2, deterministic=True
        )
    else:
        # Two batches at a time: one gathers under the interpreter's lock while the other is augmented.
        batches = keyed.map(
            lambda number, row: finish(number, row, gather(features, row)), num_parallel_calls=2, deterministic=True
        )
    # Replicas trust an endless stream; for a finite one they ask each other at every step whether it has ended.
    batches = batches.repeat() if context else batches
    return untuned(batches.prefetch(4))


def evaluation_batches(
    features: Features,
    labels: np.ndarray,
    classes: int,
    batch_size: int = 32,
    rows: np.ndarray | None = None,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Each clip once, in order, without augmentation; shapes as in `training_batches`, the last batch short.

    With `context`, a `tf.distribute.InputContext`: this worker's share of the batches, in `evaluation_steps` steps. The
    shares are about equal and no batch is larger; none is empty if there are at least as many clips as replicas.
    """
    rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
    labels = tf.constant(labels)
    batches = _shared(rows, batch_size, context) if context else None
    return _batches(features, rows, batch_size, batches).map(
        lambda row, batch: _as_example(batch, tf.gather(labels, row), classes)
    )


def evaluation_steps(clips: int, replicas: int, batch_size: int = 32) -> int:
    """Number of steps in which all replicas together go through the `evaluation_batches` of so many clips."""
    return math.ceil(clips / (batch_size * replicas))


def _shared(rows, batch_size, context):
    """tf.data of the row numbers of each evaluation batch of this pipeline."""
    workers, replicas = context.num_input_pipelines, context.num_replicas_in_sync
    steps = evaluation_steps(len(rows), replicas, batch_size)
    bounds = len(rows) * np.arange(steps * replicas + 1) // (steps * replicas)
    own = [
        np.reshape(side, (steps, workers, -1))[:, context.input_pipeline_id].ravel()
        for side in (bounds[:-1], bounds[1:])
    ]
    numbers = tf.constant(rows, tf.int64)
    return tf.data.Dataset.from_tensor_slices(tuple(own)).map(lambda start, end: numbers[start:end])


def reading(features):
    """Context in which an unreadable clip of `StreamedFeatures` is an AscError that names it, no TensorFlow error."""
    return features.errors() if hasattr(features, "errors") else contextlib.nullcontext()


def mean_and_std(features: Features, rows: np.ndarray | None = None, chunk: int = 64, by_bin: bool = False) -> tuple:
    """Mean and standard deviation of features, in one pass, for the `feature_mean` and `feature_std` of a network.

    Args:
        features: [clips, frequency, time]: `StoredFeatures`, `StreamedFeatures`, array or memory map.
        rows: numbers of the clips that count (the training clips); None means all.
        chunk: clips read at once.
        by_bin: treat each frequency bin by itself; the network's standardization then is Global FreqNorm.

    Returns:
        (mean, std): two numbers, or with `by_bin` two tuples of one number a bin. A deviation is at least 1e-6.
    """
    rows = np.arange(len(features)) if rows is None else rows
    sums = "cft,cft->f" if by_bin else "cft,cft->"
    total = squares = count = 0.0
    with reading(features):
        for _, batch in _batches(features, rows, chunk).as_numpy_iterator():
            part = batch.astype(np.float64)
            total = total + part.sum(axis=(0, 2) if by_bin else None)
            squares = squares + np.einsum(sums, part, part)
            count += part.size / (part.shape[1] if by_bin else 1)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return (tuple(mean.tolist()), tuple(std.tolist())) if by_bin else (float(mean), float(std))


def _batch_numbers(batch_size, start_step, context):
    """(tf.data of the numbers of this pipeline's batches among those of all replicas, clips per batch)."""
    replicas, local, first = 1, 1, 0
    if context is not None:
        replicas = context.num_replicas_in_sync
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local
    if batch_size % replicas:
        raise ValueError(f"batch_size is {batch_size}; expected a multiple of the {replicas} replicas that share it")
    numbers = tf.data.Dataset.range(start_step * local, np.iinfo(np.int64).max)
    return numbers.map(lambda k: k // local * replicas + first + k % local), batch_size // replicas


def _order(rows, seed, size):
    """Function from a batch's number to its rows, int64 [size]: stretches of permutations, one an epoch."""

    @functools.lru_cache(maxsize=4)
    def permutation(epoch):
        return rows[np.random.default_rng((seed, epoch)).permutation(len(rows))]

    def stretch(number):
        epochs, places = np.divmod(np.arange(number * size, (number + 1) * size), len(rows))
        return np.concatenate([permutation(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs).tolist()])

    def order(number):
        row = host_function(stretch, [number], tf.int64)
        row.set_shape((size,))
        return row

    return order


def _batches(features, rows, batch_size, batches=None):
    """tf.data of (row numbers, features) of the given rows in order, the last batch short, or of given batches."""
    size = batch_size if batches is None else None
    batches = batches or tf.data.Dataset.from_tensor_slices(np.asarray(rows, np.int64)).batch(batch_size)
    if hasattr(features, "waveforms"):
        return untuned(features.batches(batches, size).prefetch(2))
    return untuned(batches.map(lambda row: (row, gather(features, row))).prefetch(2))


def _as_example(batch, label, classes):
    return tf.cast(batch, tf.float32)[..., tf.newaxis], tf.one_hot(label, classes)
