"""`asc-tf predict` with streams that are closed, full or cut off, and with names that no text holds."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

ASC_TF = [sys.executable, "-m", "asc_tf"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    return path


def shell(redirections, *arguments, **options):
    """A command run with the shell's redirections behind it."""
    line = ["sh", "-c", f'"$@" {redirections}', "sh", *ASC_TF, *arguments]
    done = subprocess.run(line, capture_output=True, timeout=120, **options)
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    return done


@pytest.fixture(scope="module")
def expected(file, sound):
    """The command with all streams open."""
    return shell("", "predict", file, sound)


@pytest.mark.parametrize("redirections", ["2>&-", "<&-", "<&- 2>&-", "2>/dev/full"])
def test_a_closed_standard_error_or_input_changes_nothing(file, sound, expected, redirections):
    done = shell(redirections, "predict", file, sound)
    assert done.returncode == expected.returncode == 0 and done.stdout == expected.stdout
    assert done.stdout.startswith(os.fsencode(sound)) and done.stderr == b""


@pytest.mark.parametrize("redirections", [">&-", ">&- <&-"])
def test_a_closed_standard_output_is_said_before_anything_is_done(file, sound, tmp_path, redirections):
    done = shell(redirections, "predict", file, sound.parent, "--output", tmp_path / "scenes.csv")
    assert done.returncode == 1 and done.stderr.startswith(b"asc-tf: standard output is closed; expected a terminal")
    assert done.stderr.count(b"\n") == 1 and not list(tmp_path.iterdir())


def test_all_streams_closed(file, sound):
    assert shell(">&- 2>&- <&-", "predict", file, sound).returncode == 1


@pytest.mark.parametrize("arguments", [["recipes"], ["train", "--help"]])
def test_a_full_disk_behind_standard_output(arguments):
    done = shell(">/dev/full", *arguments)
    assert done.returncode == 1 and done.stderr == b"asc-tf: input or output: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "redirections"),
    [(["recipes"], "| true"), (["train", "--help"], "2>&1 | true"), (["recipes"], "| head -1")],
)
def test_a_reader_that_leaves_is_no_mistake(arguments, redirections):
    assert shell(redirections, *arguments).stderr == b""


def test_an_error_is_no_traceback_where_nobody_reads_it():
    assert shell("2>&1 | true", "recipes", "--nonsense").stderr == b""
    assert shell("2>&-", "predict", "nothere", "sound.wav").returncode == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_another_encoding_gets_escapes(encoding):
    done = shell("", "recipes", env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    plus_minus = {"ascii": b"\\xb1", "latin-1": "±".encode("latin-1"), "utf-8": "±".encode()}[encoding]
    assert b"67.1 " + plus_minus + b" 0.8" in done.stdout


NAMES = [b"caf\xe9.wav", b"\xff\xfe.wav", b"\xed\xa0\x80.wav", "Geräusch.wav".encode()]


@pytest.fixture
def folder(sound, tmp_path):
    """Recordings with names of Latin-1, of no encoding at all, of a surrogate in UTF-8, and of UTF-8."""
    for name in NAMES:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as copy:
            copy.write(sound.read_bytes())
    return tmp_path


def test_names_that_are_no_utf_8_are_printed_as_they_are(file, folder):
    paths = [os.path.join(os.fsencode(folder), name) for name in NAMES]
    lines = shell("", "predict", file, *paths).stdout.splitlines()
    assert [line.partition(b": ")[0] for line in lines] == paths


def test_their_json_gives_the_bytes_back(file, folder):
    paths = [os.path.join(os.fsencode(folder), name) for name in NAMES]
    lines = shell("", "predict", file, *paths, "--json").stdout.splitlines()
    assert [os.fsencode(json.loads(line)["file"]) for line in lines] == paths
    assert all(line.isascii() for line in lines)


def test_so_does_their_csv_also_after_an_interruption(file, folder):
    (folder / "broken.wav").write_bytes(b"RIFF")
    for _ in range(2):
        done = shell("", "predict", file, folder, "--output", folder / "scenes.csv")
        assert done.returncode == 1 and b"broken.wav" in done.stderr
    with (folder / "scenes.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as table:
        rows = list(csv.DictReader(table))
    assert sorted(os.fsencode(row["file"]) for row in rows) == sorted([*NAMES, b"broken.wav"])


def test_a_missing_file_of_such_a_name_is_named_by_its_bytes(file, tmp_path):
    done = shell("", "predict", file, os.fsencode(tmp_path) + b"/\xff.wav")
    assert done.returncode == 1 and b"/\xff.wav: " in done.stderr


def test_a_name_with_control_characters_stays_on_its_line_and_moves_no_cursor(file, sound, tmp_path):
    path = tmp_path / "a\nasc-tf: b\x1b[2J.wav"
    path.write_bytes(sound.read_bytes())
    done = shell("", "predict", file, path)
    assert done.stdout.count(b"\n") == 1 and b"a\\nasc-tf: b\\x1b[2J.wav: " in done.stdout
    path.write_bytes(b"RIFF")
    done = shell("", "predict", file, path, "--json")
    assert b"\x1b" not in done.stderr and done.stdout == b""


@pytest.mark.parametrize(
    "arguments", [["train", "--data", "X", "--run", "run"], ["data", "synth", "X"], ["evaluate", "X"]]
)
def test_folders_of_other_commands_have_names_of_utf_8(tmp_path, arguments):
    name = os.fsencode(tmp_path) + b"/\xff"
    done = shell("", *(name if argument == "X" else argument for argument in arguments), cwd=tmp_path)
    assert done.returncode == 1 and b"/\xff: is no name in UTF-8; expected one, as only" in done.stderr
    assert not list(tmp_path.iterdir())
