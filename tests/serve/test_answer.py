"""What the page says to a file: a plain function, without Gradio."""

import re
import xml.etree.ElementTree

import numpy as np
import pytest
import soundfile

from asc_tf.evidence.evidence import evidence_of
from asc_tf.evidence.tflite_scores import ScoredFile
from asc_tf.runtime import Classifier
from asc_tf.runtime.answer import scene_of
from asc_tf.runtime.shipped import find_model
from asc_tf.serve.answer import Answers
from asc_tf.serve.uploads import delete_older, upload_folder

pytest.importorskip("PIL", reason="Pillow draws the page's pictures")


@pytest.fixture(scope="module")
def answers():
    return Answers(find_model(), at_once=1)


def sound(path, seconds, level=0.1):
    soundfile.write(path, np.random.default_rng(0).normal(0, level, round(16000 * seconds)), 16000)
    return path


def pictures(answer):
    """(numbers of images, of curves) of an answer's SVG, which is XML."""
    svg = xml.etree.ElementTree.fromstring(re.search(r"<svg.*</svg>", answer, re.DOTALL)[0])
    return len(svg.findall(".//image")), len(svg.findall(".//polyline"))


def test_an_answer_has_scene_evidence_and_time(answers, tmp_path):
    path = sound(tmp_path / "eight seconds.wav", 8)
    answer = answers.to(path)
    classifier = Classifier(find_model())
    scene, confidence = scene_of(classifier.labels, classifier.classify_file(path), classifier.uncertain_below)
    assert f">{scene}</h2>" in answer and f"{100 * confidence:.1f} %" in answer and "eight seconds.wav, 8.0 s" in answer
    assert pictures(answer) == (1 + 3 * 2, 3 * 2) and str(tmp_path) not in answer


def test_a_short_one_is_repeated_and_silence_has_no_evidence(answers, tmp_path):
    assert "repeated to fill a window" in answers.to(sound(tmp_path / "short.wav", 1))
    silence = answers.to(sound(tmp_path / "silence.wav", 11, level=0))
    assert "nothing to hear" in silence and pictures(silence) == (1, 0)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.wav", b"", "empty.wav: is empty; expected an audio file"),
        ("noise.wav", bytes(range(256)) * 40, "noise.wav: cannot be decoded as audio"),
        ("page.mp3", b"<html><script>alert(1)</script>", "page.mp3: cannot be decoded"),
        ("<img src=x onerror=alert(1)>.wav", b"RIFF....WAVE", "&lt;img src=x"),
        ("bell\x1b[2J.wav", b"", "is empty; expected an audio file"),
    ],
)
def test_junk_gets_one_sentence_and_nothing_of_it_is_run(answers, tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    answer = answers.to(path)
    assert sentence in answer and answer.count("<") == 2 and str(tmp_path) not in answer and "\x1b" not in answer


def test_a_long_one_is_refused_and_the_next_is_answered(answers, tmp_path):
    path = sound(tmp_path / "long.wav", 6)
    assert "lasts more than 5.5 s" in answers.to(path, most_seconds=5.5)
    assert "<svg" in answers.to(path)


def test_a_picture_of_ten_minutes_is_no_larger_than_a_screen(tmp_path):
    from asc_tf.serve.drawing import picture_of

    scored = ScoredFile(find_model())
    evidence = evidence_of(scored, sound(tmp_path / "minute.wav", 60))
    many = evidence.windows * 10
    starts = [5.0 * number for number in range(len(many))]
    longer = type(evidence)(**{**vars(evidence), "windows": many, "starts_seconds": starts, "seconds": 600.0})
    assert len(picture_of(longer)) < 1.5e6


def test_uploads_are_deleted_when_old_and_at_the_end(tmp_path):
    with upload_folder(keep_seconds=1000) as folder:
        (folder / "a").mkdir()
        (folder / "a" / "new.wav").write_bytes(b"1")
        delete_older(folder, 1000)
        assert (folder / "a" / "new.wav").is_file()
        delete_older(folder, -1)
        assert folder.is_dir() and not list(folder.iterdir())
        (folder / "last.wav").write_bytes(b"1")
    assert not folder.exists()
