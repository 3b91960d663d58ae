"""Runs that are really killed, and disks that are really full."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import Fork, command
from tiny import SMALLEST_SETTINGS

from asc_tf.models.network_file import read_network

pytestmark = pytest.mark.slow


def train(root, run):
    settings = [*SMALLEST_SETTINGS, "train.epochs=5"]
    return [str(each) for each in ("train", "--data", root, "--run", run, "--deterministic", "--set", *settings)]


def finish(root, run, **limits):
    return Fork(command, *train(root, run), **limits).finish()


def kill_after(line, root, run):
    """Start a training and kill it as soon as it has printed a line that begins so."""
    training = Fork(command, *train(root, run))
    assert any(printed.startswith(line) for printed in training.output)
    assert training.kill()[0] == -signal.SIGKILL


@pytest.fixture(scope="module")
def two_at_once(synthetic_root, tmp_path_factory):
    """(run, process, how the second ended): a training in an interpreter of its own, as a user starts it, but untraced.

    It is stopped after its first epoch, until a second training in its folder has ended, and then goes on.
    """
    run = tmp_path_factory.mktemp("unbroken") / "run"
    own = [sys.executable, "-m", "asc_tf", *train(synthetic_root, run)]
    start = tmp_path_factory.mktemp("start")
    (start / "sitecustomize.py").write_text("import tensorflow\ntensorflow.config.run_functions_eagerly(True)\n")
    path = os.pathsep.join(filter(None, [str(start), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(own, stderr=subprocess.PIPE, text=True, env=environment) as first:
        assert any(printed.startswith("epoch 1/5") for printed in first.stderr)
        first.send_signal(signal.SIGSTOP)
        second = finish(synthetic_root, run)
        first.send_signal(signal.SIGCONT)
        said = first.stderr.read()
    assert first.returncode == 0, said
    return run, first.pid, second


@pytest.fixture(scope="module")
def unbroken(two_at_once):
    """The run that every other training must equal."""
    return two_at_once[0]


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(unbroken, synthetic_root, tmp_path):
    run = tmp_path / "run"
    kill_after("epoch 1/5", synthetic_root, run)
    kill_after("epoch 3/5", synthetic_root, run)
    assert not (run / "last.keras").exists()
    status, said = finish(synthetic_root, run)
    assert status == 0 and "going on after epoch 3" in said and "epoch 3/5" not in said
    for name in ("last.keras", "best.keras"):
        one, other = (read_network(folder / name) for folder in (unbroken, run))
        for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert (run / "history.csv").read_text() == (unbroken / "history.csv").read_text()
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()


def test_a_second_training_in_the_same_folder_is_refused(two_at_once):
    """That the first one is not disturbed is what the other tests say, whose trainings end as it does."""
    run, process, second = two_at_once
    one_sentence(second, f"{run}: another process is writing it (process {process} on ", "asc_tf train --data")
    assert not [path for path in run.rglob("*") if path.name.startswith((".part", ".asc-tf.lock"))]


@pytest.mark.parametrize("seconds", [0.5, 1.2])
def test_killed_at_any_moment_it_still_ends_well(unbroken, synthetic_root, tmp_path, seconds):
    run = tmp_path / "run"
    training = Fork(command, *train(synthetic_root, run))
    time.sleep(seconds)
    training.kill()
    status, said = finish(synthetic_root, run)
    assert status == 0, said
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()
    assert not [path for path in run.rglob("*") if path.name.startswith(".part")]


def one_sentence(finished, *parts):
    status, said = finished
    assert status == 1 and "Traceback" not in said
    (sentence,) = (line for line in said.splitlines() if line.startswith("asc-tf: "))
    assert all(part in sentence for part in parts), sentence


def test_features_that_do_not_fit_on_the_disk(synthetic_root, tmp_path):
    root = shutil.copytree(synthetic_root, tmp_path / "data", ignore=shutil.ignore_patterns("features"))
    one_sentence(finish(root, tmp_path / "run", largest_file_bytes=8 * 1024), ".npy: cannot be written")
    assert not (tmp_path / "run").exists()
    names = [path.name for path in (root / "features").rglob("*.npy")]
    assert names and not [name for name in names if name.startswith(".part")]
    assert finish(root, tmp_path / "run")[0] == 0


def test_a_checkpoint_that_does_not_fit_on_the_disk(unbroken, synthetic_root, tmp_path):
    run = tmp_path / "run"
    one_sentence(finish(synthetic_root, run, largest_file_bytes=4 * 1024), "cannot be written")
    assert not list(run.glob("checkpoints/*")) and not list(run.glob("*.keras"))
    assert finish(synthetic_root, run)[0] == 0
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize("kibibytes", [12, 100])
def test_a_full_file_system(synthetic_root, tmp_path, kibibytes):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a file system")
    try:
        one_sentence(finish(synthetic_root, disk / "run"), "cannot be written")
        assert not [path for path in disk.rglob("*") if path.name.startswith(".part")]
    finally:
        subprocess.run(["umount", disk], check=True)
