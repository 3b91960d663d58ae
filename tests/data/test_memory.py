"""Memory does not grow with the data set."""

import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf
from processes import in_own_process

from asc_tf.augment import augment_batch
from asc_tf.data.cache import cached_features
from asc_tf.data.loader import evaluation_batches, mean_and_std, training_batches
from asc_tf.data.stream import StreamedFeatures

RECORDINGS, COPIES = 250, 20
SHAPE = (256, 128)  # 64 KiB a clip, 310 MiB all copies


class Tiles:
    """A frontend that costs little time: the waveform again and again."""

    version, sample_rate_hz = 1, 8000

    def settings(self):
        return {}

    def feature_shape(self, samples):
        return *SHAPE, 1

    def __call__(self, waveforms):
        return tf.reshape(tf.tile(waveforms, [1, SHAPE[0] * SHAPE[1] // 1024]), [-1, *SHAPE, 1])


@pytest.fixture(scope="module")
def root():
    """Recordings under 20 names each, without the space of so many."""
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        for number in range(RECORDINGS):
            path = Path(folder) / f"{number}-0.wav"
            soundfile.write(path, rng.uniform(-1, 1, 1024), Tiles.sample_rate_hz, "PCM_24")
            for copy in range(1, COPIES):
                os.link(path, Path(folder) / f"{number}-{copy}.wav")
        yield Path(folder)


def features_of(kind, root, copies):
    names = [f"{number}-{copy}.wav" for copy in range(copies) for number in range(RECORDINGS)]
    source = {"cached": cached_features, "streamed": StreamedFeatures}[kind]
    return source(root, pd.DataFrame({"filename": names}), Tiles(), 1024 / Tiles.sample_rate_hz)


def shapes(root):
    """Shapes of both kinds of features; the cache is built for it."""
    return [features_of(kind, root, COPIES).shape for kind in ("cached", "streamed")]


def peak_mib(kind, root, copies):
    """Most memory that a process holds which reads all clips once, those of a small data set several times."""
    features = features_of(kind, root, copies)
    labels = np.arange(len(features)) % 10

    def augment(features, labels, seed):
        return augment_batch(features, labels, seed, roll_frames=20, mixup_alpha=0.3)

    for _ in range(1 if copies == COPIES else 4):
        mean_and_std(features)
        assert sum(len(batch) for batch, _ in evaluation_batches(features, labels, 10)) == RECORDINGS * copies
    for _ in training_batches(features, labels, 10, batch_size=16, augment=augment).take(100):
        pass
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cached", "streamed"])
def test_a_data_set_of_twenty_times_the_clips_takes_no_more_memory(root, kind):
    assert in_own_process(shapes, root) == [(RECORDINGS * COPIES, *SHAPE)] * 2
    small, large = (in_own_process(peak_mib, kind, root, copies) for copies in (1, COPIES))
    print(kind, small, large)
    assert large < 1.1 * small
    whole = 2 * RECORDINGS * COPIES * np.prod(SHAPE) / 2**20
    assert whole > 0.3 * (small + whole), "the test would not notice features that are kept in memory"
