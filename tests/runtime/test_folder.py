"""A folder of recordings into a CSV file, killed and damaged in between."""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.runtime import Classifier
from asc_tf.runtime.folder import classify_folder
from asc_tf.runtime.journal import Journal

FILES = 24


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """24 recordings of their own sound in three folders, and files that are no audio."""
    folder = tmp_path_factory.mktemp("folder") / "recordings"
    generator = np.random.default_rng(0)
    for number in range(FILES):
        path = folder / ("", "a b", 'a b/ü, "c"')[number % 3] / f"{number:02}.{'WAV' if number % 2 else 'flac'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, generator.normal(0, 0.02 * (1 + number % 5), 9000), 16000)
    for name in ("notes.txt", ".hidden.wav", "a b/._00.wav"):
        (folder / name).write_text("no sound")
    return folder


@pytest.fixture
def folder(recordings, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(recordings, tmp_path / "recordings")


@pytest.fixture
def classified(monkeypatch):
    """Names of the files that are classified from now on."""
    names, really = [], Classifier.classify_file
    monkeypatch.setattr(Classifier, "classify_file", lambda self, path: names.append(path.name) or really(self, path))
    return names


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_file_has_a_row_with_what_the_classifier_says(recordings, file, classifier, tmp_path):
    count, errors = classify_folder(file, recordings, tmp_path / "scenes.csv")
    found = rows(tmp_path / "scenes.csv")
    assert (count, errors) == (FILES, [])
    assert [row["file"] for row in found] == sorted(
        path.relative_to(recordings).as_posix() for path in recordings.rglob("[0-9]*.*")
    )
    for row in found:
        expected = classifier.classify_file(recordings / row["file"])
        np.testing.assert_allclose([float(row[label]) for label in classifier.labels], expected, atol=1e-6)
        assert row["scene"] == classifier.labels[expected.argmax()] and row["error"] == ""
        assert float(row["confidence"]) == pytest.approx(expected.max(), abs=1e-6)
    assert len({row["confidence"] for row in found}) == FILES
    assert os.listdir(tmp_path) == ["scenes.csv"]


def test_the_bytes_do_not_depend_on_the_number_of_workers(recordings, file, tmp_path):
    for workers in (1, 5):
        classify_folder(file, recordings, tmp_path / f"{workers}.csv", workers)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "5.csv").read_bytes()


SLOW = """
import sys, time
from asc_tf.runtime.classifier import Classifier
from asc_tf.cli import main
really = Classifier.classify_file
Classifier.classify_file = lambda self, path: (time.sleep(0.05), really(self, path))[1]
main(sys.argv[1:])
"""


def test_killed_it_goes_on_with_no_file_lost_or_done_twice(recordings, file, tmp_path, classified):
    output, journal = tmp_path / "scenes.csv", tmp_path / "scenes.csv.journal"
    command = [sys.executable, "-c", SLOW, "predict", file, recordings, "--output", output, "--workers", "2"]
    with subprocess.Popen(list(map(str, command))) as process:
        deadline = time.monotonic() + 60
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 6) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not output.exists()
    kept = [json.loads(line)["file"].split("/")[-1] for line in journal.read_bytes().split(b"\n")[1:-1]]
    assert 6 <= len(kept) < FILES
    with journal.open("ab") as file_:
        file_.write(b'{"file": "00.fl')  # the line that a kill cut off
    assert main(["predict", str(file), str(recordings), "--output", str(output)]) == 0
    assert sorted(kept + classified) == sorted(path.name for path in recordings.rglob("[0-9]*.*"))
    classify_folder(file, recordings, tmp_path / "unbroken.csv")
    assert output.read_bytes() == (tmp_path / "unbroken.csv").read_bytes()
    assert not journal.exists()


def test_a_recording_that_changed_since_the_kill_is_classified_anew(folder, file, tmp_path, classified):
    output = tmp_path / "scenes.csv"

    def stop(done, total):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify_folder(file, folder, output, 1, stop)
    lines = (tmp_path / "scenes.csv.journal").read_text().splitlines()
    changed = json.loads(lines[3])["file"]
    soundfile.write(folder / changed, np.zeros(100), 16000)
    classified.clear()
    classify_folder(file, folder, output)
    assert len(classified) == FILES - len(lines[1:]) + 1 and changed.split("/")[-1] in classified


def test_files_that_cannot_be_read_are_named_and_the_others_done(folder, file, tmp_path, capsys):
    bad = [folder / "bad.wav", folder / "a b" / "empty.ogg", folder / "dangling.wav"]
    bad[0].write_bytes(b"RIFF")
    bad[1].write_bytes(b"")
    bad[2].symlink_to("nowhere.wav")
    output = tmp_path / "scenes.csv"
    assert main(["predict", str(file), str(folder), "--output", str(output)]) == 1
    out, err = capsys.readouterr()
    assert out == f"{FILES} of {FILES + 3} files in {output}\n"
    assert err.splitlines()[-1] == f"asc-tf: 3 of {FILES + 3} files could not be classified; {output} names them"
    assert all(str(path) in err for path in bad) and "\r" not in err
    found = {row["file"]: row for row in rows(output)}
    assert len(found) == FILES + 3
    for path in bad:
        row = found[path.relative_to(folder).as_posix()]
        assert str(path) in row["error"] and row["scene"] == row["confidence"] == row["north"] == ""


def test_linked_folders_are_followed_and_what_is_skipped_is_said(folder, file, tmp_path, capsys):
    shutil.copytree(folder / "a b", tmp_path / "elsewhere")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    shutil.copy(folder / "00.flac", folder / "00.wave")
    shutil.copy(folder / "00.flac", folder / "take 1")
    output = tmp_path / "scenes.csv"
    assert main(["predict", str(file), str(folder), "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    count = len(rows(output))
    assert count == FILES + 2 + len([*(folder / "linked").rglob("[0-9]*.*")])
    assert out == f"{count} of {count} files in {output}\n"
    assert err == f"{folder}: 4 files skipped: 3 hidden, 1 .txt\n"


def test_running_out_of_memory_at_one_file_is_its_error_and_the_others_go_on(recordings, file, tmp_path, monkeypatch):
    really = Classifier.window_probabilities
    loud = []

    def sometimes(self, window):
        if np.abs(window).max() > 0.3:
            loud.append(window)
            raise MemoryError
        return really(self, window)

    monkeypatch.setattr(Classifier, "window_probabilities", sometimes)
    count, errors = classify_folder(file, recordings, tmp_path / "scenes.csv")
    assert count == FILES and 0 < len(errors) == len(loud) < FILES
    assert all(error.endswith(": needs more memory than this machine has") for error in errors)
    assert [row["error"] for row in rows(tmp_path / "scenes.csv") if row["error"]] == errors


def silent_files(folder):
    """Silence, channels that cancel each other, and a constant."""
    folder.mkdir()
    sound = np.random.default_rng(0).normal(0, 0.1, 9000)
    soundfile.write(folder / "cancelled.wav", np.stack([sound, -sound], axis=1), 16000)
    soundfile.write(folder / "constant.wav", np.full(9000, -1 / 128), 16000, subtype="PCM_U8")
    soundfile.write(folder / "zeros.flac", np.zeros(9000), 16000)
    return folder


def test_silence_is_one_answer_in_text_json_and_csv(file, classifier, tmp_path, capsys):
    folder = silent_files(tmp_path / "in")
    paths = sorted(map(str, folder.iterdir()))
    assert main(["predict", str(file), *paths]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: silence" for path in paths]
    assert main(["predict", str(file), *paths, "--json"]) == 0
    nothing = dict.fromkeys(classifier.labels, 0.0)
    for path, line in zip(paths, capsys.readouterr().out.splitlines(), strict=True):
        assert json.loads(line) == {"file": path, "scene": "silence", "confidence": 0.0, "probabilities": nothing}
    classify_folder(file, folder, tmp_path / "scenes.csv")
    zeros = dict.fromkeys(classifier.labels, "0.000000")
    for row in rows(tmp_path / "scenes.csv"):
        assert row == {"file": row["file"], "scene": "silence", "confidence": "0.000000", "error": "", **zeros}


def test_names_that_are_no_text_are_kept_byte_for_byte(file, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    soundfile.write(tmp_path / "clip.wav", np.zeros(8000), 16000)
    name = b"caf\xe9\nbar.wav"
    try:
        os.rename(tmp_path / "clip.wav", os.path.join(os.fsencode(folder), name))
    except OSError:
        pytest.skip("the file system refuses such names")
    classify_folder(file, folder, tmp_path / "scenes.csv")
    assert b'"' + name + b'",' in (tmp_path / "scenes.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FOLDER"], "is a folder; expected --output"),
        (["FOLDER", "FOLDER", "--output", "OUT"], "2 names, one of them a folder"),
        (["FOLDER", "--output", "FOLDER"], "is a folder or an audio file's name"),
        (["FOLDER", "--output", "clip.wav"], "is a folder or an audio file's name"),
        (["FOLDER", "--output", "OUT", "--workers", "0"], "--workers 0: expected a value from 1 to 4,096"),
        (["clip.wav", "--output", "OUT"], "are for a folder"),
        (["EMPTY", "--output", "OUT"], "holds no audio file"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing(recordings, file, tmp_path, capsys, arguments, message):
    (tmp_path / "empty").mkdir()
    places = {"FOLDER": str(recordings), "OUT": str(tmp_path / "out.csv"), "EMPTY": str(tmp_path / "empty")}
    assert main(["predict", str(file), *(places.get(word, word) for word in arguments)]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and message in err
    assert os.listdir(tmp_path) == ["empty"]


def test_a_journal_of_another_model_is_refused_and_kept(tmp_path):
    path = tmp_path / "scenes.csv.journal"
    with Journal(path, {"model": 1}) as journal:
        journal.add({"file": "x"})
    before = path.read_bytes()
    with pytest.raises(AscError, match="scenes.csv.journal: was begun with another model or folder"):
        Journal(path, {"model": 2})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"my diary\n", b'{"file": "x"}\n', b'{"format": "another"}\n', b"\0" * 9, b"{"])
def test_a_file_that_is_no_journal_is_refused_and_stays(recordings, file, tmp_path, capsys, content):
    output, other = tmp_path / "scenes.csv", tmp_path / "scenes.csv.journal"
    other.write_bytes(content)
    refused = main(["predict", str(file), str(recordings), "--output", str(output)])
    if content == b"{":  # as a kill leaves it: the first byte of a journal
        assert refused == 0 and os.listdir(tmp_path) == ["scenes.csv"]
        return
    assert refused == 1 and f"{other}: is no journal of 'asc-tf predict'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [other.name] and other.read_bytes() == content


def fifo(path):
    os.mkfifo(path)


def link_to_null(path):
    path.symlink_to(os.devnull)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def state(path):
    """What changes when somebody writes there; to read a link sets the time of its last use."""
    found = os.lstat(path)
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("ending", ["", ".journal"])
@pytest.mark.parametrize(
    ("make", "kind"), [(fifo, "a pipe"), (link_to_null, "a device"), (unix_socket, "a socket"), (os.mkdir, "a folder")]
)
def test_what_is_no_file_is_refused_and_stays(recordings, file, tmp_path, capsys, monkeypatch, make, kind, ending):
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    place = Path(f"scenes.csv{ending}")
    make(place)
    before = state(place)
    assert main(["predict", str(file), str(recordings), "--output", "scenes.csv"]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert str(place) in sentence and (kind in sentence)
    assert os.listdir() == [place.name] and state(place) == before


@pytest.mark.parametrize("place", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_devices_are_refused(recordings, file, capfd, place):
    before = os.stat("/dev/null")
    assert main(["predict", str(file), str(recordings), "--output", place]) == 1
    (sentence,) = capfd.readouterr().err.splitlines()
    assert sentence.startswith(f"asc-tf: {place}: cannot be written (") and "expected the name of a file" in sentence
    assert os.stat("/dev/null") == before and not os.path.exists(f"{place}.journal")


def test_a_journal_is_cut_behind_its_last_whole_record(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, {"model": 1}) as journal:
        journal.add({"file": "x"})
        journal.add({"file": "y"})
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with Journal(path, {"model": 1}) as journal:
            kept = sum(end >= len(b"".join(lines[: 1 + n])) for n in range(1, 3))
            assert journal.records == [{"file": "x"}, {"file": "y"}][:kept], end
            journal.add({"file": "z"})
        assert path.read_bytes().splitlines()[-1] == b'{"file": "z"}'
        assert len(path.read_bytes().splitlines()) == kept + 2


def test_two_processes_do_not_write_one_journal(tmp_path):
    with Journal(tmp_path / "journal", {}), pytest.raises(AscError, match="another process is writing it"):
        Journal(tmp_path / "journal", {})
