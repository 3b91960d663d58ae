"""Export for microcontrollers."""

import tempfile
from pathlib import Path

from asc_tf.data.clips import read_clips
from asc_tf.data.waveforms import Cut
from asc_tf.experiment.run_folder import read_run
from asc_tf.micro.folder import write_micro_folder
from asc_tf.micro.selftest import as_int16
from asc_tf.stages.exporting import export


def export_micro(run, out, report=print, root=None, calibration_clips=100):
    """Write a run's network, as an int8 file of features, into a folder of C source for microcontrollers.

    Args:
        run: run folder.
        out: the folder, new or empty.
        report, root, calibration_clips: of `export`.

    Returns:
        (`asc_tf.micro.footprint.Footprint`, `Agreement` of the file with the Keras model).

    Raises:
        AscError: as `export` and `write_micro_folder`.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        kind = {"format": "int8", "input": "features", "least_memory": True}
        _, _, agreement = export(run, file, calibration_clips=calibration_clips, report=report, root=root, **kind)
        return write_micro_folder(file, out, Path(run).resolve().name, _recording(run, root)), agreement


def _recording(run, root):
    """int16 samples of a clip of the test part, or of the training part if there is none."""
    config, dataset = read_run(run)
    root = root or dataset.root
    clips = read_clips(root)
    test = clips[clips.split == "test"]
    name = (test if len(test) else clips).filename.iloc[0]
    return as_int16(Cut(config.frontend.sample_rate_hz, dataset.clip_seconds).load(Path(root) / name)[0])
