import subprocess
import sys
from pathlib import Path

import pytest

PIPELINES = sorted((Path(__file__).resolve().parents[1] / "pipelines").glob("*.py"))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.stem)
def test_pipeline_runs_from_recordings_to_a_file(pipeline, synthetic_root, tmp_path):
    done = subprocess.run([sys.executable, pipeline, synthetic_root, tmp_path, "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "unseen" in done.stdout and (tmp_path / "model.tflite").stat().st_size > 0


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.stem)
def test_pipeline_without_arguments_explains_itself(pipeline):
    done = subprocess.run([sys.executable, pipeline], capture_output=True, text=True)
    assert done.returncode == 1 and str(pipeline.name) in done.stderr and "Traceback" not in done.stderr
