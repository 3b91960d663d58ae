"""A small cache of features, its files, and recordings that change."""

import os

import soundfile

from asc_tf.data.cache import cached_features
from asc_tf.frontend.log_mel import LogMel

FRONTEND = LogMel(mel_bins=32)


def build(root, clips, directory=None, **arguments):
    return cached_features(root, clips, FRONTEND, 1.0, directory, **arguments)


def contents(directory):
    """{name: bytes} of the one cache in a directory."""
    (folder,) = directory.iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shard_times(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("[0-9]*.npy")}


def fullest_shard(directory):
    return max(directory.rglob("[0-9]*.npy"), key=lambda path: path.stat().st_size)


def audio(root, clips, number):
    return root / clips.filename[number]


def change(path):
    samples, rate = soundfile.read(path, dtype="int32")
    soundfile.write(path, samples[::-1], rate, subtype="PCM_24")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
