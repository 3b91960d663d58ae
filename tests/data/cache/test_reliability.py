"""Builders of a cache that are really killed, that meet each other, and disks that are really full."""

import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from processes import FORKS, Fork, command, in_own_process

from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.frontend.log_mel import LogMel

pytestmark = pytest.mark.slow

CLIPS = 130
WAIT_SECONDS = 60


def build(root, directory, report=lambda line: None, workers=None):
    return cached_features(root, read_clips(root), LogMel(mel_bins=32), 1.0, directory, workers=workers, report=report)


def contents(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def shard_times(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("[0-9]*.npy")}


def parts(directory):
    return [path for path in directory.rglob("*") if path.name.startswith(".part")]


@pytest.fixture(scope="module")
def unbroken(synthetic_root, tmp_path_factory):
    """The files of a cache that was built at once."""
    directory = tmp_path_factory.mktemp("unbroken")
    build(synthetic_root, directory)
    return contents(directory)


def build_and_tell(connection, root, directory, workers, halt_before):
    """Build a cache, send what it reports and what it decodes, and wait before a certain clip to be sent on."""
    load, calls = Cut.load, itertools.count(1)

    def halting(cut, path):
        if next(calls) >= halt_before:
            connection.send("halted")
            connection.recv()
        return load(cut, path)

    Cut.load = halting
    build(root, directory, connection.send, workers)
    connection.send(f"done after {next(calls) - 1} clips")


class Builder:
    """A process that builds a cache until the clip that is the `halt_before`-th which it decodes."""

    def __init__(self, root, directory, halt_before=CLIPS + 1, workers=1):
        self.connection, other = FORKS.Pipe()
        self.process = FORKS.Process(target=build_and_tell, args=(other, root, directory, workers, halt_before))
        self.process.start()
        other.close()

    def said(self):
        """What it says next."""
        assert self.connection.poll(WAIT_SECONDS), "says nothing"
        return self.connection.recv()

    def go_on(self):
        self.connection.send("go on")

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(WAIT_SECONDS)
        assert self.process.exitcode == -signal.SIGKILL


@pytest.fixture
def builder(synthetic_root, tmp_path):
    """Function to a new `Builder` of the cache in tmp_path/features."""
    builders = []

    def start(**arguments):
        builders.append(Builder(synthetic_root, tmp_path / "features", **arguments))
        return builders[-1]

    yield start
    for one in builders:
        one.process.kill()
        one.process.join()


@pytest.mark.parametrize(
    ("halt_before", "workers"), [(1, 1), (2, 2), (60, 1), (60, 3), (CLIPS, 1)], ids=lambda value: str(value)
)
def test_a_killed_builder_leaves_what_the_next_completes(
    builder, unbroken, synthetic_root, tmp_path, monkeypatch, halt_before, workers
):
    killed = builder(halt_before=halt_before, workers=workers)
    for _ in range(workers):
        assert killed.said() == "halted"
    killed.kill()
    directory = tmp_path / "features"
    done = shard_times(directory)
    kept = sum(len(np.load(path)) for path in done)
    assert len(parts(directory)) == workers and halt_before - 1 >= kept >= halt_before - 1 - 6 * workers
    decoded, load = [], Cut.load
    monkeypatch.setattr(Cut, "load", lambda cut, path: decoded.append(path) or load(cut, path))
    build(synthetic_root, directory)
    assert len(decoded) == CLIPS - kept
    assert done.items() <= shard_times(directory).items()
    assert contents(directory) == unbroken


def test_a_builder_that_is_killed_again_and_again_comes_to_an_end(builder, unbroken, tmp_path):
    for _ in range(3):
        killed = builder(halt_before=41)
        assert killed.said() == "halted"
        killed.kill()
    last = builder()
    (said,) = [last.said()]
    assert said.startswith("done after ") and int(said.split()[2]) < CLIPS - 90
    assert contents(tmp_path / "features") == unbroken


def test_of_two_builders_one_computes_and_the_other_waits(builder, unbroken, tmp_path):
    first = builder(halt_before=30)
    assert first.said() == "halted"
    second = builder()
    assert second.said().startswith(f"waiting for another process that writes to {tmp_path / 'features'}")
    while "done" not in (said := (first.go_on(), first.said())[1]):
        assert said == "halted"
    assert said == f"done after {CLIPS} clips"
    done = shard_times(tmp_path / "features")
    assert second.said() == "done after 0 clips"
    assert shard_times(tmp_path / "features") == done
    assert contents(tmp_path / "features") == unbroken


def test_when_the_builder_is_killed_that_waits_goes_on(builder, unbroken, tmp_path):
    first = builder(halt_before=30)
    assert first.said() == "halted"
    second = builder()
    assert second.said().startswith("waiting")
    first.kill()
    said = second.said()
    assert said.startswith("done after ") and CLIPS - 29 <= int(said.split()[2]) <= CLIPS - 29 + 6
    assert contents(tmp_path / "features") == unbroken


def test_builders_that_start_together_make_one_cache(builder, unbroken, tmp_path):
    lines = [[], [], []]
    builders = [builder(workers=2) for _ in lines]
    for one, said in zip(builders, lines, strict=True):
        while not said or not said[-1].startswith("done"):
            said.append(one.said())
    assert sum(int(said[-1].split()[2]) for said in lines) == CLIPS
    assert contents(tmp_path / "features") == unbroken


# Disks


def limited_build(root, directory, largest_file):
    """What a builder raises whose files all end at a size, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    try:
        build(root, directory)
    except AscError as error:
        return str(error)


def test_a_shard_that_does_not_fit(unbroken, synthetic_root, tmp_path):
    directory = tmp_path / "features"
    error = in_own_process(limited_build, synthetic_root, directory, 8_000)
    assert error.startswith(str(directory)) and error.endswith(".npy: cannot be written (File too large)")
    assert shard_times(directory) and not parts(directory)
    build(synthetic_root, directory)
    assert contents(directory) == unbroken


@pytest.fixture
def disk(tmp_path):
    """Function that mounts a small file system on a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = []

    def mount(folder, size):
        folder.mkdir()
        tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        if subprocess.run(tmpfs, capture_output=True).returncode:
            pytest.skip("this machine does not let root mount a file system")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def test_a_full_disk_stops_the_command_and_with_more_room_it_goes_on(disk, synthetic_root, tmp_path):
    root = shutil.copytree(synthetic_root, tmp_path / "data", ignore=shutil.ignore_patterns("features"))
    disk(root / "features", "1m")
    status, said = Fork(command, "features", root).finish()
    (sentence,) = said.splitlines()
    assert status == 1
    assert sentence.startswith(f"asc-tf: {root / 'features'}")
    assert sentence.endswith(".npy: cannot be written (No space left on device)")
    done = shard_times(root)
    assert len(done) > 10 and not parts(root)
    remount(root / "features", "size=16m")
    status, said = Fork(command, "features", root).finish()
    assert status == 0 and "next: asc-tf train" in said and "\n130 clips, 256 mel bins" in f"\n{said}"
    assert done.items() <= shard_times(root).items()
    cached_features(root, read_clips(root), LogMel(), 1.0, tmp_path / "unbroken")
    assert contents(root / "features") == contents(tmp_path / "unbroken")


def test_a_cache_on_a_read_only_disk_is_read(disk, synthetic_root, tmp_path):
    disk(tmp_path / "disk", "16m")
    features = np.asarray(build(synthetic_root, tmp_path / "disk"))
    remount(tmp_path / "disk", "ro")
    np.testing.assert_array_equal(build(synthetic_root, tmp_path / "disk"), features)


# The end of a process

ENDLESS = """
import os, sys, time
import numpy as np
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import training_batches
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.waveforms import Cut
from asc_tf.frontend.log_mel import LogMel



class LastWords:
    def __del__(self, write=os.write):
        write(1, b"the interpreter shut down\\n")


of, last = Cut.of, LastWords()
Cut.of = lambda *arguments: time.sleep(0.01) or of(*arguments)
clips = read_clips(sys.argv[1])
features = StreamedFeatures(sys.argv[1], clips, LogMel(mel_bins=32), 1.0)
batches = iter(training_batches(features, np.zeros(len(clips), int), 2, batch_size=32))
next(batches)
print("first batch", flush=True)
"""


def test_a_process_ends_though_an_endless_stream_is_still_read(synthetic_root):
    """Without the care of `host_function` it hangs, aborts or breaks off, since Python shuts down under TensorFlow."""
    python = [sys.executable, "-c", ENDLESS, synthetic_root]
    done = subprocess.run(python, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert (done.returncode, done.stdout) == (0, "first batch\nthe interpreter shut down\n"), done.stderr
