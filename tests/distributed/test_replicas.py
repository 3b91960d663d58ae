"""Replicas that share batches train what one process trains: layers, losses, validation, checkpoints."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from event_records import written
from network import answers, outside_addresses
from processes import in_own_process
from tensorflow.python.data.ops import multi_device_iterator_ops
from training import worker

from asc_tf.distributed import launcher, replicas
from asc_tf.distributed.cluster import Cluster
from asc_tf.distributed.launcher import free_ports, launch
from asc_tf.distributed.replicas import chief_first, gathered, is_chief, make_strategy, workers_of
from asc_tf.errors import AscError

ATOL = 2e-4  # of float32 sums in another order, over 10 steps


def mirrored(devices):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    return make_strategy("mirrored")


def trained(folder, teacher=False, devices=1):
    """(history, weights) of a training on so many devices of this machine."""
    strategy = None
    if devices > 1:
        strategy = mirrored(devices)
    model = worker.build(strategy, teacher)
    history = worker.fit(model, folder)
    return history, model.get_weights()


def assert_close(histories, others):
    assert len(histories) == len(others) == worker.EPOCHS
    for logs, expected in zip(histories, others, strict=True):
        assert logs.keys() == expected.keys() >= {"loss", "accuracy", "val_loss", "val_accuracy"}
        np.testing.assert_allclose([*logs.values()], [*expected.values()], atol=ATOL)


@pytest.mark.slow
def test_replicas_of_one_machine_train_as_one_process(tmp_path):
    """Statistics, losses and gradients of the whole batch, and a teacher that weighs as much."""
    history, weights = in_own_process(trained, tmp_path / "two", True, 2)
    expected, others = trained(tmp_path / "one", True)
    assert_close(history, expected)
    for mine, theirs in zip(weights, others, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=ATOL)


def tuning_of_devices():
    """Whether tf.data tunes what it makes for each of two devices."""
    strategy, tuned = mirrored(2), []
    make = multi_device_iterator_ops._create_device_dataset

    def spy(*arguments):
        tuned.append(make(*arguments).options().autotune.enabled)
        return make(*arguments)

    multi_device_iterator_ops._create_device_dataset = spy
    iter(strategy.distribute_datasets_from_function(lambda context: tf.data.Dataset.range(4).batch(2)))
    return tuned


@pytest.mark.slow
def test_the_end_of_shared_data_waits_for_no_tuning():
    assert in_own_process(tuning_of_devices) == [False, False]


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_end_like_one_process(tmp_path_factory, tmp_path):
    """As asc-tf launch runs them: batches are slowed down so that there is time to kill a worker within an epoch.

    Meanwhile the servers of both cannot be reached by an address that other machines could use.
    """
    command, lines, killed = [sys.executable, worker.__file__, str(tmp_path), "0.3"], [], []
    addresses, ports, reached = outside_addresses(), [], []

    def kill():
        while not list(tmp_path.glob("checkpoints/epoch-0001")):
            time.sleep(0.01)
        reached.extend(answers(address, port) for address in addresses for port in ports[-2:])
        children = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", worker.__file__], capture_output=True)
        killed.append(max(map(int, children.stdout.split())))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", environment)
        patch.setattr(launcher, "free_ports", lambda count: ports.extend(free_ports(count)) or ports[-count:])
        status = launch(command, 2, lambda: sorted(map(str, tmp_path.glob("checkpoints/epoch-*"))), lines.append)
    killer.join()
    assert status == 0 and killed
    assert reached == [False] * 2 * len(addresses)
    assert lines == ["worker 1 ended by signal 9; all 2 workers start again from the last checkpoint"]
    (newest,) = (tmp_path / "checkpoints").iterdir()
    alone = tmp_path_factory.mktemp("alone")
    assert_close(json.loads((newest / "progress.json").read_text())["history"], trained(alone)[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.keras", "checkpoints", "tensorboard"]
    (counts, last), (expected, clips) = (written(folder / "tensorboard" / "validation") for folder in (tmp_path, alone))
    confusion = "confusion: true scenes in rows"
    assert counts == expected and list(last[confusion]) == list(clips[confusion]), "of the clips of both workers"


def test_a_plain_process_is_its_own_chief():
    strategy = tf.distribute.get_strategy()
    assert is_chief(strategy) and workers_of(strategy) == 1 and gathered(strategy, 7) == [7]
    with chief_first(strategy):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:2345", "localhost:2345", "[::1]:2345"])
def test_workers_of_one_machine_are_not_opened_to_all_others(monkeypatch, address):
    monkeypatch.setenv("TF_CONFIG", Cluster((address,), 0).to_json())
    monkeypatch.setattr(replicas, "is_private", lambda: False)
    with pytest.raises(AscError, match="servers listen to the whole network and let everybody in; expected 'asc-tf la"):
        make_strategy("multi_worker")
    cluster = Cluster((address,), 0)
    assert replicas.check_network(cluster, trusted_network=True) is cluster
    machines = Cluster((address, "two:2345"), 0)
    assert replicas.check_network(machines, trusted_network=False) is machines
    monkeypatch.setattr(replicas, "is_private", lambda: True)
    assert replicas.check_network(cluster, trusted_network=False) is cluster
