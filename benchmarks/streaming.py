"""What a network would lose and save if it streamed, a state in place of a window: python benchmarks/streaming.py RUN

The test clips of each device of RUN's data set follow each other as streams. Convolutions see what they would see with
a state kept from step to step, so only three things change: ResNorm normalizes each frame by the statistics of the
frames before it, clips have their neighbours beside them in place of zeros, and a clip's answer is the mean of the
logits within it. Windows within the clips stand beside that. Then follow state, maps and MACs.
"""

import argparse
import functools
import itertools
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

import numpy as np
import pandas as pd
import tensorflow as tf
import tf_keras as keras
from scipy.signal import lfilter

from asc_tf.complexity.account import NETWORK
from asc_tf.complexity.keras_account import keras_account
from asc_tf.data.clips import read_clips
from asc_tf.evaluation.metrics import device_metrics, predictions_frame
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.layers import FrequencyInstanceNormalization, ResidualNormalization
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of

SECONDS = (1, 3, 5, 10, 30)
BATCH = 32


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--clips", type=int, default=20, help="of a stream; 1: switched on at the start of each clip")
    parser.add_argument("--seconds", type=float, nargs="+", default=SECONDS, help="of ResNorm's statistics")
    arguments = parser.parse_args(arguments)
    config, dataset = read_run(arguments.run)
    clips = read_clips(dataset.root)
    clips = clips[clips.split == "test"].sample(frac=1, random_state=0).reset_index(drop=True)
    features = features_of(Experiment(config, dataset, clips), arguments.run, print)
    features = np.asarray(features, np.float32)[..., np.newaxis]
    model, hop = load_model(arguments.run), config.frontend.hop_ms / 1000

    def show(name, logits):
        metrics = device_metrics(predictions_frame(clips, logits, dataset.scenes), dataset.seen_devices)
        groups = [group for group in ("seen", "unseen", "all") if group in metrics.index]
        scores = "  ".join(f"{group} {metrics.accuracy[group]:5.1f} %" for group in groups)
        print(f"{name:32} {scores}  log loss {metrics.log_loss['all']:.3f}", flush=True)

    show(f"windows of {dataset.clip_seconds:g} s, the clips", windowed(model, features, features.shape[2]))
    for seconds in (3, 1):
        if seconds < dataset.clip_seconds:
            show(f"windows of {seconds} s in the clips", windowed(model, features, round(seconds / hop)))
    statistics = itertools.product(("last", "exponential"), arguments.seconds)
    for kind, seconds in (("clip", dataset.clip_seconds), *statistics):
        logits = streamed(model, features, clips, arguments.clips, kind, seconds / dataset.clip_seconds)
        show(f"stream, statistics: {kind} {seconds:g} s", logits)
    for line in costs(model, dataset.clip_seconds, hop):
        print(line)


def windowed(model, features, frames):
    """Mean logits [clips, classes] of windows that cover the clips evenly."""
    network = with_length(model, frames)
    number = -(-features.shape[2] // frames)
    starts = np.linspace(0, features.shape[2] - frames, number).astype(int)
    batches = np.array_split(features, -(-len(features) // BATCH))
    return np.concatenate([np.mean([network(batch[:, :, at : at + frames]) for at in starts], 0) for batch in batches])


def streamed(model, features, clips, clips_of_stream, kind, share):
    """Mean logits [clips, classes] within each clip, of streams of one device's clips each.

    Args:
        features: [clips, frequency, time, 1].
        clips: frame of `read_clips` in the order of the features.
        clips_of_stream: number of clips in a stream.
        kind, share: of `RunningNormalization`.
    """
    by_length = {}
    for _, group in clips.groupby("device"):
        for start in range(0, len(group), clips_of_stream):
            rows = group.index[start : start + clips_of_stream]
            by_length.setdefault(len(rows), []).append(rows)
    logits = np.zeros((len(clips), model.output_shape[1]))
    for number, streams in by_length.items():
        network = stream_network(model, number, features.shape[2], kind, share)
        at_once = max(1, BATCH // number)
        for start in range(0, len(streams), at_once):
            batch = streams[start : start + at_once]
            columns = network(np.stack([np.concatenate(features[rows], axis=1) for rows in batch])).numpy().mean(axis=1)
            clip_of_column = np.arange(columns.shape[1]) * number // columns.shape[1]
            for rows, of_stream in zip(batch, columns, strict=True):
                logits[rows] = pd.DataFrame(of_stream).groupby(clip_of_column).mean().to_numpy()
    return logits


def stream_network(model, clips, clip_frames, kind, share):
    """A network from streams of clips to the logits before their mean, [stream, frequency, columns, classes]."""
    replaced = functools.partial(RunningNormalization, clips=clips, kind=kind, share=share)
    network = with_length(model, clips * clip_frames, replaced)
    return keras.Model(network.inputs, network.layers[-1].input)


def with_length(model, frames, replaced=None):
    """The same network for features of another length, with other layers in the place of normalizations."""

    def copied(layer):
        if replaced is not None and isinstance(layer, FrequencyInstanceNormalization):
            return replaced(layer)
        return type(layer).from_config(layer.get_config())

    inputs = keras.Input((model.input_shape[1], frames, 1))
    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=copied)
    for layer in copy.layers:
        if not isinstance(layer, (RunningNormalization, keras.layers.InputLayer)):
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy


class RunningNormalization(keras.layers.Layer):
    """`ResidualNormalization` of a stream, by running statistics.

    Args:
        norm: the layer whose place it takes.
        clips: number of clips of the stream.
        kind: of `running_means`.
        share: its length, as a share of a clip's.
    """

    def __init__(self, norm, clips, kind, share):
        super().__init__(name=norm.name)
        self.shortcut = 0.0
        if isinstance(norm, ResidualNormalization):
            self.shortcut = norm.shortcut if norm.learnable else norm.lambda_
        self.epsilon, self.clips, self.kind, self.share = norm.epsilon, clips, kind, share

    def call(self, x):
        def mean(values):
            found = tf.numpy_function(self._running, [tf.reduce_mean(values, axis=3)], tf.float32, stateful=False)
            return tf.ensure_shape(found, values.shape[:3])[..., tf.newaxis]

        level = mean(x)
        variance = tf.maximum(mean(x * x) - level * level, 0)
        return self.shortcut * x + (x - level) * tf.math.rsqrt(variance + self.epsilon)

    def _running(self, values):
        frames = max(1, round(self.share * values.shape[-1] / self.clips))
        return running_means(values, self.kind, frames, self.clips).astype(np.float32)


def running_means(values, kind, frames, clips):
    """Means along the last axis: of the last frames, of all so far with ever less weight, or of each clip.

    Args:
        values: [..., time].
        kind: "last", "exponential" or "clip".
        frames: number of the last frames, or the time constant.
        clips: number of clips, for "clip".
    """
    values, times = values.astype(np.float64), np.arange(values.shape[-1])
    if kind == "clip":
        starts = len(times) * np.arange(clips) // clips
        lengths = np.diff([*starts, len(times)])
        return np.repeat(np.add.reduceat(values, starts, axis=-1) / lengths, lengths, axis=-1)
    if kind == "last":
        sums = np.cumsum(values, axis=-1)
        sums[..., frames:] -= sums[..., :-frames].copy()
        return sums / np.minimum(times + 1, frames)
    keep = np.exp(-1 / frames)
    return lfilter([1 - keep], [1, -keep], values, axis=-1) / (1 - keep ** (times + 1))


def costs(model, clip_seconds, hop):
    """Lines on what a stream and windows of a hop of 1 s take."""
    account, (kept, late, step) = keras_account(model, clip_seconds), state(model)
    piece = keras_account(with_length(model, step), step * hop)
    window = account.operations().macs
    yield f"MACs a second: windows of {clip_seconds:g} s every second {window:,}, stream {window / clip_seconds:,.0f}"
    yield f"8-bit maps at the peak, layer by layer: window {account.peaks[NETWORK].bytes // 4:,} bytes"
    yield (
        f"stream: {piece.peaks[NETWORK].bytes // 4:,} bytes for a step of {step} frames ({step * hop:.2f} s), "
        f"{kept:,} bytes of state"
    )
    yield f"an answer is {late * hop:.2f} s late"


def state(model):
    """(bytes at 8 bits that a stream keeps between steps, frames that its answer is late, frames of a step).

    A window of k columns, s apart, over a map keeps k - s of them. Where maps of different delay are added, the earlier
    one waits.
    """
    late, kept, step = {}, 0, {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            late[id(layer.output)], step[id(layer.output)] = 0, 1
            continue
        inputs = tf.nest.flatten(layer.input)
        latest, columns = max(late[id(each)] for each in inputs), max(step[id(each)] for each in inputs)
        size, stride = window_of(layer)
        for each in inputs:
            waiting = (latest - late[id(each)]) // columns + max(size - stride, 0)
            kept += waiting * each.shape[1] * each.shape[3] if each.shape.rank == 4 else 0
        for output in tf.nest.flatten(layer.output):
            late[id(output)] = latest + columns * (size - 1 - max(size - stride, 0) // 2)
            step[id(output)] = columns * stride
    return kept, late[id(output)], step[id(output)]


def window_of(layer):
    """(frames, stride) of a layer's window along time."""
    if isinstance(layer, keras.layers.MaxPooling2D):
        return layer.pool_size[1], layer.strides[1]
    if not hasattr(layer, "kernel_size"):
        return 1, 1
    return 1 + layer.dilation_rate[1] * (layer.kernel_size[1] - 1), layer.strides[1]


if __name__ == "__main__":
    main()
