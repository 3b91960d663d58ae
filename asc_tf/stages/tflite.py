"""Export."""

from pathlib import Path

import numpy as np

from asc_tf.build import build_frontend
from asc_tf.data.clips import read_clips
from asc_tf.data.waveforms import Cut
from asc_tf.export.tflite import export_tflite
from asc_tf.run_folder import load_model, read_run


def export(run, out=None, clips_to_check=18):
    """Write a run's network as a .tflite file and compare it with the Keras model on clips of every device.

    Returns:
        (path of the file, number of trainable parameters, largest difference of a probability).
    """
    run = Path(run)
    config, dataset = read_run(run)
    model = load_model(run)
    frontend = build_frontend(config)
    clips = read_clips(dataset.root)
    clips = clips[clips.split == ("train" if config.data.split == "full" else "test")]
    rank = clips.groupby("device").cumcount().sort_values(kind="stable").index[:clips_to_check]
    cut = Cut(frontend.sample_rate_hz, dataset.clip_seconds)
    waveforms = [cut.load(Path(dataset.root) / name) for name in clips.filename[rank]]
    path = Path(out or run / "model.tflite")
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    difference = export_tflite(path, frontend, model, dataset.scenes, dataset.clip_seconds, np.concatenate(waveforms))
    return path, parameters, difference
