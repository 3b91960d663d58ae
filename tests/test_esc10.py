"""The main job on real recordings heard through real microphones: ESC-10 Mobile, trained for two epochs."""

import json
import subprocess
import sys

import pytest

from asc_tf.cli import main

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def esc10(shared, tmp_path_factory):
    root = tmp_path_factory.mktemp("esc10") / "data"
    subprocess.run([sys.executable, shared / "esc10_mobile" / "build.py", root], check=True, capture_output=True)
    return root


def test_from_recordings_to_a_file_that_classifies(esc10, tmp_path, capsys):
    assert main(["data", "check", str(esc10)]) == 0
    assert "train 457 / test 720" in capsys.readouterr().out
    run = tmp_path / "run"
    settings = ["train.epochs=2", "train.warmup_epochs=1", "train.batch_size=32"]
    assert main(["train", "--data", str(esc10), "--run", str(run), "--set", *settings]) == 0
    capsys.readouterr()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 720 and metrics["devices"]["unseen"]["clips"] == 240
    assert main(["export", str(run)]) == 0
    assert "8,055 trainable parameters" in capsys.readouterr().out
    clip = next((esc10 / "audio").glob("rain-fold5-*-s4.wav"))
    assert main(["predict", str(run / "model.tflite"), str(clip), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["probabilities"]) == set(metrics["scenes"])
