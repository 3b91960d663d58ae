"""The five commands of docs/own-recordings.md, one after the other, on recordings that are not TAU's."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asc_tf.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-recordings.md"
SMALL = ["model.network=cp-mobile", "model.width=8", "model.depth=1", "frontend.mel_bins=32"]
SMALL = [*SMALL, "train.epochs=1", "train.warmup_epochs=0"]


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """Three places a scene; hum in the kitchen, hiss in the street, of other lengths, rates and formats."""
    generator = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    for index, (seconds, rate, ending) in enumerate(
        [(21.0, 16000, "wav"), (32.5, 22050, "flac"), (10.2, 8000, "ogg")] * 2
    ):
        time = np.arange(round(seconds * rate)) / rate
        sounds = {"kitchen": np.sin(2 * np.pi * 120 * time), "street": generator.standard_normal(len(time))}
        for scene, sound in sounds.items():
            (tmp_path / "recordings" / scene).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "recordings" / scene / f"{index}.{ending}", 0.1 * sound, rate)
    soundfile.write(tmp_path / "another-recording.wav", 0.1 * np.sin(np.arange(160000) / 20), 16000)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_five_commands(recordings, capsys):
    block = PAGE.read_text(encoding="utf-8").split("Five commands")[1]
    commands = [shlex.split(line.split("#")[0])[1:] for line in re.findall(r"^    (asc-tf .*)$", block, re.MULTILINE)][
        :5
    ]
    assert [command[0] for command in commands] == ["data", "data", "train", "export", "predict"]
    for command in commands:
        more = ["--set", *SMALL] if command[0] == "train" else []
        assert main([*command, *more]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
    assert re.search(r"another-recording.wav: (kitchen|street) \d+\.\d %", printed)
