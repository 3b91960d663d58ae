"""The line that says what a training computes on."""

import os

import pytest
import tensorflow as tf

from asc_tf.training import devices
from asc_tf.training.devices import device_line

ONE = tf.distribute.get_strategy()


class Replicas:
    num_replicas_in_sync = 2


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with these GPUs, without NVIDIA's driver."""
    monkeypatch.setattr(devices, "_NVIDIA_DRIVER", tmp_path / "version")

    def of(*names):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: names)
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": gpu})

    return of


def test_without_a_gpu_the_cores_that_the_process_may_use_are_counted(machine, monkeypatch):
    machine()
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    monkeypatch.setattr(devices.sys, "platform", "linux")
    assert device_line(ONE) == "training on 1 CPU core"
    monkeypatch.setattr(devices.sys, "platform", "darwin")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert device_line(ONE) == "training on 8 CPU cores"


def test_a_gpu_that_tensorflow_cannot_use_is_said(machine, tmp_path):
    machine()
    (tmp_path / "version").write_text("NVRM version")
    assert "CPU core" in device_line(ONE) and device_line(ONE).endswith("pip install 'asc-tf[gpu]'")


def test_gpus_are_named(machine):
    machine("A100")
    assert device_line(ONE) == "training on GPU: A100"
    machine("A100", "T4")
    assert device_line(ONE) == "training on GPU: A100 (the first of 2; --strategy mirrored takes all)"
    assert device_line(Replicas) == "training on 2 GPUs: A100, T4"
