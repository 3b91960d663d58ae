"""From features in memory or on disk to batches: tf.data in an order that depends on seed and step alone."""

import functools

import numpy as np
import tensorflow as tf

from asc_tf.errors import AscError


def label_indices(clips, scenes):
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


def training_batches(features, labels, classes, batch_size, seed=0, augment=None, start_step=0):
    """Endless shuffled, augmented batches for `model.fit(..., steps_per_epoch=...)`.

    The clips of all epochs form one stream, a new permutation of all clips after the other; batch k is its k-th
    stretch of `batch_size` clips. So every clip comes equally often, no batch is short, and batch k is the same
    whether the stream began at step 0 or at step k: a run that was interrupted goes on with the very next clip.

    Args:
        features: array or memory map [clips, frequency, time].
        labels: int [clips], of `label_indices`.
        classes: number of scenes.
        batch_size: clips a batch.
        seed: of the order and the augmentation.
        augment: function (features [batch, frequency, time, 1], one-hot labels, stateless seed [2]) to the like pair.
        start_step: number of batches to leave out at the beginning.

    Returns:
        tf.data of (float32 features [batch, frequency, time, 1], float32 one-hot labels [batch, classes]).
    """
    labels = np.asarray(labels)

    @functools.lru_cache(maxsize=2)
    def permutation(epoch):
        return np.random.default_rng((seed, epoch)).permutation(len(labels))

    def gather(step):
        positions = np.arange(step * batch_size, (step + 1) * batch_size)
        rows = np.array([permutation(p // len(labels))[p % len(labels)] for p in positions])
        return features[rows], labels[rows]

    def load(step):
        batch, label = tf.numpy_function(gather, [step], [features.dtype, labels.dtype], stateful=False)
        batch.set_shape((batch_size, *features.shape[1:]))
        label.set_shape((batch_size,))
        return _as_example(batch, label, classes)

    def augmented(step):
        return augment(*load(step), seed=tf.stack([tf.constant(seed, tf.int64), step]))

    steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
    # Two batches at a time: one gathers under the interpreter's lock while the other is augmented.
    return steps.map(augmented if augment else load, num_parallel_calls=2, deterministic=True).prefetch(4)


def evaluation_batches(features, labels, classes, batch_size=32):
    """Each clip once, in order, without augmentation; shapes as in `training_batches`, the last batch short."""

    def load(start, stop):
        def read(start, stop):
            return features[start:stop], labels[start:stop]

        batch, label = tf.numpy_function(read, [start, stop], [features.dtype, labels.dtype], stateful=False)
        batch.set_shape((None, *features.shape[1:]))
        label.set_shape((None,))
        return _as_example(batch, label, classes)

    labels = np.asarray(labels)
    starts = np.arange(0, len(labels), batch_size, dtype=np.int64)
    stops = np.minimum(starts + batch_size, len(labels))
    return tf.data.Dataset.from_tensor_slices((starts, stops)).map(load).prefetch(2)


def _as_example(batch, label, classes):
    return tf.cast(batch, tf.float32)[..., tf.newaxis], tf.one_hot(label, classes)
