"""Evidence of whole recordings: windows as predict has them, silence, parts heard twice, pictures and JSON."""

import json

import numpy as np
import pytest
import soundfile

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.evidence.evidence import evidence_of
from asc_tf.evidence.json_of import dict_of, places_of
from asc_tf.evidence.score_map import Places
from asc_tf.evidence.series import features_over_time, shares_over_time
from asc_tf.evidence.tflite_scores import ScoredFile
from asc_tf.runtime import Classifier
from asc_tf.runtime.frontend import NumpyMel
from asc_tf.runtime.shipped import find_model


@pytest.fixture(scope="module")
def file():
    return ScoredFile(find_model())


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """5 s of noise, 5 s of silence, 3 s of a tone: the last window begins at 8 s, in the silence."""
    path = tmp_path_factory.mktemp("sounds") / "noise, silence, $tone.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 80000)
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 16000)
    soundfile.write(path, np.concatenate([noise, np.zeros(80000), tone]), 16000)
    return path


def test_the_answer_is_that_of_predict(file, recording):
    evidence = evidence_of(file, recording)
    assert np.array_equal(evidence.probabilities, Classifier(find_model()).classify_file(recording))
    assert evidence.starts_seconds == [0.0, 5.0, 8.0] and evidence.seconds == 13.0
    assert [window is None for window in evidence.windows] == [False, True, False]


def test_no_part_is_shown_twice(file, recording):
    evidence = evidence_of(file, recording)
    image, seconds = features_over_time(evidence)
    assert seconds == pytest.approx(13, abs=0.3) and np.isnan(image).any(axis=0).sum() == pytest.approx(5 / 0.03, abs=2)
    first, last = shares_over_time(evidence)
    assert first[0][0] > 0 and first[0][-1] < 5.1 and last[0][0] >= 10 and last[0][-1] < 13.3
    # The tone's row is the loudest of the last frames.
    centres = evidence.places.edges_hz[1:-1]
    assert centres[int(np.argmax(image[:, -50]))] == pytest.approx(1000, rel=0.02)


def test_json_holds_what_the_picture_shows(file, recording):
    evidence = evidence_of(file, recording)
    read = json.loads(json.dumps(dict_of(evidence, "file", "model"), allow_nan=False))
    assert [window["is_silent"] for window in read["windows"]] == [False, True, False]
    window = read["windows"][0]
    for label in file.labels:
        scores = np.array(window["scores"][label])
        assert scores.shape == file.places.shape and scores.mean() == pytest.approx(window["logits"][label], abs=1e-5)
    places = read["places"]
    assert [len(places[name]) for name in ("rows_hz", "rows_see_hz")] == [32, 32]
    assert places["columns_seconds"][1] == pytest.approx([0.24, 0.48]) and len(places["columns_see_seconds"]) == 21
    assert places["columns_see_seconds"][10] == pytest.approx([26 * 0.03, 142 * 0.03])
    sums = [sum(each["shares"].values()) for each in read["scenes_over_time"]]
    assert np.allclose(sums, 1) and read["scene"] == evidence.scene


def test_rows_of_a_network_without_padding_lie_in_the_middle():
    """As BC-ResNet's: 28 rows, 8 bins apart, of 256 bins; what the outer ones see is cut at the ends."""
    frontend = NumpyMel(16000, window_ms=130, hop_ms=20, mel_bins=256, low_hz=0, high_hz=None)
    rows = [(max(0, 8 * row - 60), min(255, 8 * row + 100)) for row in range(28)]
    places = Places.of((256, 12), (rows, [(0, 11)] * 12), (28, 12), frontend)
    assert (places.bins_each, places.first_bin, places.frames_each) == (8, 16, 1)
    found = places_of(places)["rows_hz"]
    assert len(found) == 28 and found[0][0] == places.edges_hz[16] and found[-1][1] == places.edges_hz[239 + 2]
    assert Places.of((256, 12), None, (28, 12), frontend).bins_each == 256 / 28


def test_a_long_recording_is_refused(file, recording):
    with pytest.raises(AscError, match=r"\$tone.wav: lasts more than 12 s; expected a part of it"):
        evidence_of(file, recording, most_seconds=12)


@pytest.mark.slow
def test_the_command_writes_a_picture(recording, tmp_path, monkeypatch, capsys):
    image = pytest.importorskip("matplotlib.image")
    monkeypatch.chdir(tmp_path)
    assert main(["explain", str(recording)]) == 0
    picture = tmp_path / "noise, silence, $tone-evidence.png"
    assert picture.name in capsys.readouterr().out
    pixels = image.imread(picture)
    assert pixels.shape[0] > 1000 < pixels.shape[1] and 0.02 < (pixels[..., :3].mean(axis=2) < 0.5).mean() < 0.5


def test_silence_has_a_picture_and_no_scores(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(20000), 16000)
    assert main(["explain", str(silence), "--output", str(tmp_path / "silence.png"), "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert (read["scene"], read["confidence"], read["scenes_over_time"]) == ("silence", 0, [])
    assert read["windows"] == [{"start_seconds": 0, "is_silent": True}] and (tmp_path / "silence.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "AUDIO: 0 names; expected one audio file"),
        (["a.wav", "b.wav"], "AUDIO: 2 names"),
        (["nowhere.wav", "--json"], "nowhere.wav: no such file; expected an audio file"),
        (["a.wav", "--output", "a.jpg"], "--output a.jpg: expected a name that ends in .png"),
        (["a.wav", "--top", "0"], "--top 0"),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *arguments]) == 1
    assert sentence in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_run_is_explained_by_its_network(smallest_run, synthetic_root, capsys):
    audio = next((synthetic_root / "audio").glob("*.wav"))
    assert main(["explain", str(smallest_run), str(audio), "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    logits = np.array([*read["windows"][0]["logits"].values()])
    powers = np.exp(logits - logits.max())
    assert np.allclose([*read["probabilities"].values()], powers / powers.sum(), atol=1e-5)
    assert len(read["places"]["rows_see_hz"]) == len(read["windows"][0]["scores"][read["scene"]])
