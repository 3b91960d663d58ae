"""The inference package of DCASE 2025: a folder that the organizers' scripts install and import."""

import json
import shutil

import numpy as np

from asc_tf import __version__
from asc_tf.atomic import write_text
from asc_tf.data.tau_writer import write_clip

GENERAL = "general"
"""Name of the network for devices without their own."""
_MODULE = '''"""Inference of {label} for DCASE 2025, task 1. Written by asc-tf submit."""

from __future__ import annotations

from pathlib import Path

import torch

from asc_tf.submission import inference

_NETWORKS = Path(__file__).parent / "models_{index}"


def predict(
    file_paths: list[str], device_ids: list[str], model_file_path: str | None = None, use_cuda: bool = False
) -> tuple[list[torch.Tensor], list[str]]:
    """(logits [classes] of each file, names of the classes). LiteRT runs on the CPU, whatever `use_cuda` is."""
    return inference.predict(file_paths, device_ids, model_file_path or _NETWORKS)


def load_model(model_file_path: str | None = None) -> torch.nn.Module:
    """The networks: those of this package, or those of a folder with files of the same names."""
    return inference.load_model(model_file_path or _NETWORKS)


def load_inputs(file_paths: list[str], device_ids: list[str], model: torch.nn.Module) -> list[torch.Tensor]:
    """Features [1, 1, frequency, time] of each file."""
    return inference.load_inputs(file_paths, device_ids, model)


def get_model_for_device(model: torch.nn.Module, device_id: str) -> torch.nn.Module:
    """The network of a device, or the general one."""
    return inference.get_model_for_device(model, device_id)
'''
_SETUP = """from setuptools import find_packages, setup

with open("requirements.txt") as file:
    requirements = file.read().split()

setup(
    name="{name}",
    version="0.1.0",
    packages=find_packages(),
    install_requires=requirements,
    package_data={{"{name}": ["resources/*.wav", "models_*/*.tflite"]}},
)
"""


def write_package(folder, label, networks, complexity, clip_seconds):
    """Write or renew the package of a submission; those of the same author's other submissions in it stay.

    Args:
        folder: of the package, with setup.py.
        label: of the submission, such as Kim_QTI_task1_1.
        networks: {device, or "general": path of a .tflite file that takes features}.
        complexity: {device, or "general": of `complexity_numbers`}, written into complexity.json.
        clip_seconds: length of the dummy clip that the organizers' check of complexity reads.
    """
    name, _, index = label.rpartition("_")
    inner = folder / name
    write_text(inner / "__init__.py", "")
    write_text(inner / f"{label}.py", _MODULE.format(label=label, index=index))
    write_text(inner / "resources" / "__init__.py", "")
    noise = np.random.default_rng(0).normal(0, 0.05, round(44100 * clip_seconds))
    write_clip(inner / "resources" / "dummy.wav", noise, 44100)
    models = inner / f"models_{index}"
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir(parents=True)
    for device, path in networks.items():
        shutil.copyfile(path, models / f"{device}.tflite")
    write_text(folder / "requirements.txt", f"asc-tf=={__version__}\ntorch\n")
    write_text(folder / "setup.py", _SETUP.format(name=name))
    counts = {device: {"MACs": of["macs"], "Params": of["total_model_size"]} for device, of in complexity.items()}
    largest = {f"max_{key}": max(each[key] for each in counts.values()) for key in ("MACs", "Params")}
    summary = {"per_device": counts, **largest}
    write_text(folder / "predictions" / label / "complexity.json", json.dumps(summary, indent=2) + "\n")
