"""A run that a report is made of."""

import shutil

import pytest
from report_pages import HOSTILE

from asc_tf.experiment.run_folder import read_run, write_checked_csv
from asc_tf.stages.evaluation import read_predictions


@pytest.fixture(scope="session")
def reported_run(smallest_run, smallest_file, tmp_path_factory):
    """A copy of `smallest_run` with an exported file, a clip that is wrong, and a device whose name is HTML."""
    run = shutil.copytree(smallest_run, tmp_path_factory.mktemp("reported") / "0")
    shutil.copy(smallest_file, run / "model.tflite")
    scenes = read_run(run)[1].scenes
    frame = read_predictions(run / "predictions.csv", scenes)
    frame.loc[frame.device == "s6", "device"] = HOSTILE
    frame.loc[0, [f"p({scene})" for scene in scenes]] = 0.0
    wrong = next(scene for scene in scenes if scene != frame.scene[0])
    frame.loc[0, [f"p({wrong})", f"p({frame.scene[0]})", "log_loss"]] = 0.99, 0.01, 4.6
    frame.loc[0, "predicted"] = wrong
    write_checked_csv(run / "predictions.csv", frame)
    return run
