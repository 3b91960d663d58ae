"""The functions that DCASE 2025 asks an inference package for, around our runtime. Needs PyTorch; no TensorFlow.

The organizers' scripts import them from a module named after the submission; `package` writes that module. They count
bytes in a module's parameters and multiplications in layers of PyTorch. The bytes are those of the .tflite file; a
runtime has no layers to count, so complexity.json of the package has the MACs of `asc-tf complexity`.

Reference: README of the DCASE 2025 task 1 inference package (CPJKU/dcase2025_task1_inference), read on 2026-11-28.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from asc_tf.audio.waveform import waveform_blocks
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.errors import AscError
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.frontend import frontend_of
from asc_tf.runtime.windows import windows
from asc_tf.submission.package import GENERAL

_LEAST = 1e-9  # probability: its logarithm is finite


class Network(torch.nn.Module):
    """One .tflite file as a module: features [batch, 1, frequency, time] to logits [batch, classes].

    The logits are logarithms of the file's probabilities, so that softmax gives these back.

    Args:
        path: of a .tflite file that takes features.

    Raises:
        AscError: no such file, or one that takes a waveform.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path, self.classifier = Path(path), Classifier(path)
        if self.classifier.metadata.input != "features":
            raise AscError(
                f"{path}: takes a waveform; expected a file of features (asc-tf export RUN --input features)"
            )
        stored = [tensor for tensor in tflite_account(path).parameters() if tensor.kind != "statistic"]
        for number, tensor in enumerate(stored):  # stand for the file's, which are not read out of it
            numbers = torch.zeros(tensor.count, dtype=getattr(torch, tensor.dtype))
            self.register_parameter(f"stored_{number}", torch.nn.Parameter(numbers, requires_grad=False))

    def __deepcopy__(self, memo: dict) -> Network:
        return Network(self.path)  # an interpreter cannot be copied

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of features [batch, 1, frequency, time]."""
        rows = [self.classifier.window_probabilities(each[0].cpu().float().numpy()) for each in features]
        return torch.from_numpy(np.log(np.maximum(np.stack(rows), _LEAST)))


class Submission(torch.nn.Module):
    """The networks of a package: FOLDER/general.tflite, and FOLDER/DEVICE.tflite for devices that have their own.

    Attributes:
        model: `torch.nn.ModuleDict` of `Network`s.
        class_order: names of the scenes.
    """

    def __init__(self, folder: str | os.PathLike):
        super().__init__()
        files = sorted(Path(folder).glob("*.tflite"))
        self.model = torch.nn.ModuleDict({path.stem: Network(path) for path in files})
        if GENERAL not in self.model:
            raise AscError(f"{folder}: has no {GENERAL}.tflite")
        general = self.model[GENERAL].classifier
        self.class_order = list(general.labels)
        self.sample_rate_hz, self.samples = general.sample_rate_hz, general.samples
        self.frontend = frontend_of(general.metadata, folder)

    def for_device(self, device_id: str) -> Network:
        """The network of a device; the general one for a device without its own."""
        return self.model[device_id if device_id in self.model else GENERAL]

    def features_of(self, path: str | os.PathLike) -> Iterator[torch.Tensor]:
        """Features [1, frequency, time] of each window of a recording."""
        for window in windows(waveform_blocks(path, self.sample_rate_hz), self.samples):
            yield torch.from_numpy(self.frontend(window)[:, :, 0])[None]


def load_model(folder: str | os.PathLike) -> Submission:
    """The networks of a package's folder, or of another one with files of the same names."""
    return Submission(folder).eval()


def load_inputs(file_paths: Sequence[str], device_ids: Sequence[str], model: Submission) -> list[torch.Tensor]:
    """Features [windows, 1, frequency, time] of each file; a clip of the challenge is one window.

    Raises:
        AscError: a file that cannot be read, or another number of devices than of files.
    """
    if len(file_paths) != len(device_ids):
        raise AscError(f"{len(device_ids)} devices for {len(file_paths)} files; expected one for each")
    return [torch.stack(list(model.features_of(path))) for path in file_paths]


def get_model_for_device(model: Submission, device_id: str) -> Network:
    """The network that classifies recordings of a device; "unknown" and new ones get the general one."""
    return model.for_device(device_id)


def predict(
    file_paths: Sequence[str], device_ids: Sequence[str], folder: str | os.PathLike
) -> tuple[list[torch.Tensor], list[str]]:
    """(logits [classes] of each file, names of the classes); of several windows the mean probability counts."""
    model = load_model(folder)
    logits = []
    for path, device in zip(file_paths, device_ids, strict=True):
        (features,) = load_inputs([path], [device], model)
        windows_logits = get_model_for_device(model, device)(features)
        logits.append(torch.logsumexp(windows_logits, dim=0) - np.log(len(windows_logits)))
    return logits, model.class_order
