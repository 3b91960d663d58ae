"""Runs that are really killed, and disks that are really full."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny import TINY_SETTINGS

LONGER = [*TINY_SETTINGS, "train.epochs=5"]


def command(root, run, settings=LONGER):
    arguments = ["train", "--data", root, "--run", run, "--deterministic", "--set", *settings]
    return [sys.executable, "-m", "asc_tf", *map(str, arguments)]


def finish(root, run, settings=LONGER):
    return subprocess.run(command(root, run, settings), capture_output=True, text=True)


def load_network(path):
    from asc_tf.models.network_file import read_network

    return read_network(path)


def kill_after(line, root, run):
    """Start a training and kill it as soon as it has printed a line that begins so."""
    process = subprocess.Popen(command(root, run), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for printed in process.stderr:
        if printed.startswith(line):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def unbroken(synthetic_root, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken") / "run"
    done = finish(synthetic_root, run)
    assert done.returncode == 0, done.stderr
    return run


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(unbroken, synthetic_root, tmp_path):
    run = tmp_path / "run"
    kill_after("epoch 1/5", synthetic_root, run)
    kill_after("epoch 3/5", synthetic_root, run)
    assert not (run / "last.keras").exists()
    done = finish(synthetic_root, run)
    assert done.returncode == 0 and "going on after epoch 3" in done.stderr and "epoch 3/5" not in done.stderr
    for name in ("last.keras", "best.keras"):
        one, other = (load_network(folder / name) for folder in (unbroken, run))
        for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert (run / "history.csv").read_text() == (unbroken / "history.csv").read_text()
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()


@pytest.mark.slow
def test_a_second_training_in_the_same_folder_is_refused_and_the_first_is_not_disturbed(
    unbroken, synthetic_root, tmp_path
):
    run = tmp_path / "run"
    with subprocess.Popen(command(synthetic_root, run), stderr=subprocess.PIPE, text=True) as first:
        for printed in first.stderr:
            if printed.startswith("epoch 1/5"):
                break
        first.send_signal(signal.SIGSTOP)
        second = finish(synthetic_root, run)
        first.send_signal(signal.SIGCONT)
        one_sentence(second, f"{run}: another process is writing it (process {first.pid} on ", "asc_tf train --data")
        first.stderr.read()
    assert first.returncode == 0
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()
    assert not [path for path in run.rglob("*") if path.name.startswith((".part", ".asc-tf.lock"))]


@pytest.mark.parametrize("seconds", [4.0, 6.0])
def test_killed_at_any_moment_it_still_ends_well(unbroken, synthetic_root, tmp_path, seconds):
    run = tmp_path / "run"
    process = subprocess.Popen(command(synthetic_root, run), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()
    done = finish(synthetic_root, run)
    assert done.returncode == 0, done.stderr
    assert (run / "metrics.json").read_text() == (unbroken / "metrics.json").read_text()
    assert not [path for path in run.rglob("*") if path.name.startswith(".part")]


def finish_limited(root, run, kibibytes):
    """As `finish`, every file that the process writes ending at a size: the write fails as on a full disk."""
    limit = ["sh", "-c", 'ulimit -f "$1" && shift && exec "$@"', "sh", str(2 * kibibytes)]  # in blocks of 512 bytes
    return subprocess.run([*limit, *command(root, run)], capture_output=True, text=True)


def one_sentence(done, *parts):
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith("asc-tf: "))
    assert all(part in sentence for part in parts), sentence


def test_features_that_do_not_fit_on_the_disk(synthetic_root, tmp_path):
    root = shutil.copytree(synthetic_root, tmp_path / "data", ignore=shutil.ignore_patterns("features"))
    done = finish_limited(root, tmp_path / "run", 8)
    one_sentence(done, ".npy: cannot be written")
    assert not (tmp_path / "run").exists()
    names = [path.name for path in (root / "features").rglob("*.npy")]
    assert names and not [name for name in names if name.startswith(".part")]
    assert finish(root, tmp_path / "run").returncode == 0


def test_a_checkpoint_that_does_not_fit_on_the_disk(unbroken, synthetic_root, tmp_path):
    run = tmp_path / "run"
    one_sentence(finish_limited(synthetic_root, run, 4), "cannot be written")
    assert not list(run.glob("checkpoints/*")) and not list(run.glob("*.keras"))
    assert finish(synthetic_root, run).returncode == 0
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
