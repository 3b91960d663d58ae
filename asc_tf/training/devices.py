"""The devices that a training computes on, in one line."""

import os
import sys
from pathlib import Path

import tensorflow as tf

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


def device_line(strategy: tf.distribute.Strategy) -> str:
    """The devices of a training under this strategy, such as "training on 2 CPU cores" or "training on GPU: NAME".

    The line also reports a GPU that TensorFlow does not see (its CUDA libraries are an extra of the installation).
    """
    gpus = [_name(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    if not gpus:
        cores = _cores()
        line = f"training on {cores} CPU core{'s' if cores > 1 else ''}"
        if _NVIDIA_DRIVER.exists():
            line += "; TensorFlow cannot use the NVIDIA GPU that is here: pip install 'asc-tf[gpu]'"
        return line
    if strategy.num_replicas_in_sync > 1:
        return f"training on {len(gpus)} GPUs: {', '.join(gpus)}"
    others = f" (the first of {len(gpus)}; --strategy mirrored takes all)" if len(gpus) > 1 else ""
    return f"training on GPU: {gpus[0]}{others}"


def _name(gpu):
    return tf.config.experimental.get_device_details(gpu).get("device_name") or gpu.name


def _cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
