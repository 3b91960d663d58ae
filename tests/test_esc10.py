"""The main job on real recordings heard through real microphones: ESC-10 Mobile, trained for two epochs."""

import json

import pytest
from founders_data import build_esc10_mobile

from asc_tf.cli import main

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def esc10(shared, tmp_path_factory):
    """Of every eighth recording: five in each scene, one of them in the test part, heard by all devices."""
    scenes = (shared / "esc10_mobile" / "clips").iterdir()
    clips = [clip for scene in scenes for clip in sorted(scene.glob("*.ogg"))[::8]]
    return build_esc10_mobile(shared, clips, tmp_path_factory.mktemp("esc10"))


def test_from_recordings_to_a_file_that_classifies(esc10, tmp_path, capsys):
    assert main(["data", "check", str(esc10)]) == 0
    assert "train 53 / test 90" in capsys.readouterr().out
    run = tmp_path / "run"
    settings = ["train.epochs=2", "train.warmup_epochs=1", "train.batch_size=32"]
    assert main(["train", "--data", str(esc10), "--run", str(run), "--set", *settings]) == 0
    capsys.readouterr()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 90 and metrics["devices"]["unseen"]["clips"] == 50
    assert main(["export", str(run)]) == 0
    assert "8,055 trainable parameters" in capsys.readouterr().out
    clip = next((esc10 / "audio").glob("rain-fold5-*-s4.wav"))
    assert main(["predict", str(run / "model.tflite"), str(clip), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["probabilities"]) == set(metrics["scenes"])
