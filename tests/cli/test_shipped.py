"""The models in the box: they hear without a word of TensorFlow, their cards say what the runs measured."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.runtime import Classifier
from asc_tf.runtime.shipped import DEFAULT, find_model, is_model, shipped_models

RUNS = Path(__file__).resolve().parents[2] / "saved_models"
NAMES = sorted(shipped_models())


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(96000), 16000)
    return str(path)


def test_there_are_two_and_one_of_them_is_the_default():
    assert NAMES == [DEFAULT, "procedural-scenes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_file_is_small_complete_and_that_of_its_run(name):
    model = shipped_models()[name]
    content = model.path.read_bytes()
    assert len(content) < 100_000 and content == (RUNS / name / "model.tflite").read_bytes()
    classifier = Classifier(model.path)
    assert len(classifier.labels) == 10 and classifier.metadata.format == "int8"
    assert 0 < classifier.uncertain_below < 1


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_was_measured(name):
    card = shipped_models()[name].card.read_text(encoding="utf-8")
    assert card == (RUNS / name / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: ") and "## Limits" in card and "## Made by" in card
    (results,) = (RUNS / name).glob("model-on-*/devices.csv")
    for row in pd.read_csv(results).itertuples():
        assert f"| {row.device} | {row.accuracy:.1f} | {row.log_loss:.3f} | {row.clips} |" in card


@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_the_repository_holds_no_path_of_a_machine(name):
    for file in (RUNS / name).rglob("*.json"):
        assert "/work" not in file.read_text() and "/home" not in file.read_text()
    assert json.loads((RUNS / name / "dataset.json").read_text())["root"] in ("ESC10", "data")


def test_predict_without_a_model_takes_the_shipped_one_and_says_so(noise, capsys):
    assert main(["predict", noise]) == 0
    printed = capsys.readouterr()
    assert noise in printed.out and f"no model is named: {DEFAULT}, which comes with the package" in printed.err


def test_a_model_may_be_a_name_or_a_run(noise, capsys, tmp_path):
    assert main(["predict", "procedural-scenes", noise, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["probabilities"]) == set(
        Classifier(shipped_models()["procedural-scenes"].path).labels
    )
    assert main(["predict", str(RUNS / DEFAULT), noise, "--threshold", "1"]) == 0
    assert "uncertain (" in capsys.readouterr().out
    (tmp_path / "config.json").write_text("{}")
    assert is_model(tmp_path)
    with pytest.raises(AscError, match="is a run without model.tflite; write it by: asc-tf export"):
        find_model(tmp_path)


def test_a_long_recording_has_a_timeline(noise, tmp_path, capsys):
    assert main(["predict", DEFAULT, noise, "--timeline", "--output", str(tmp_path / "t.csv")]) == 0
    assert "0.0 to " in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "t.csv")
    assert rows.from_seconds.iloc[0] == 0 and rows.to_seconds.iloc[-1] == 6
    assert main(["listen", DEFAULT, noise]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_models_shipped_lists_them(capsys):
    assert main(["models", "--shipped"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES) and "rooster" in printed
    assert all(len(line) <= 100 for line in printed.splitlines() if "/" not in line)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["predict"], "AUDIO: is not given"),
        (["predict", "x.wav", "--hop", "2"], "--hop and --smoothing: are for --timeline"),
        (["predict", "x.wav", "--threshold", "2"], "--threshold 2.0: expected a value from 0 to 1"),
        (["listen", "a.wav", "b.wav"], "SOURCE: 2 names; expected one"),
        (["listen", "a.wav", "--rate", "8000"], "--rate 8000: is for raw samples from a pipe"),
        (["predict", ".", "--timeline"], "--timeline: is for files"),
    ],
)
def test_mistakes_are_one_sentence(command, expected, capsys):
    assert main(command) == 1
    assert expected in capsys.readouterr().err.splitlines()[-1]
