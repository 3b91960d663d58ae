import os
import shutil

import numpy as np
import pytest
import soundfile

from asc_tf.audio.finding import ENDINGS, Found, audio_below
from asc_tf.errors import AscError


@pytest.fixture
def folder(tmp_path):
    """A recording, and below it a folder with another one."""
    (tmp_path / "in" / "below").mkdir(parents=True)
    for name in ("a.wav", "below/b.wav"):
        soundfile.write(tmp_path / "in" / name, np.zeros(100), 16000)
    return tmp_path / "in"


def test_every_ending_of_audio_is_found_in_capitals_too(tmp_path):
    endings = enumerate(sorted(ENDINGS))
    names = sorted(f"{index:02}{ending.upper() if index % 2 else ending}" for index, ending in endings)
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert audio_below(tmp_path) == Found(names, {})
    assert {".wav", ".wave", ".snd", ".bwf", ".w64", ".rf64", ".opus", ".oga", ".aif", ".aifc", ".caf"} <= ENDINGS


@pytest.mark.parametrize(
    ("file_format", "subtype"),
    [
        ("WAV", "PCM_16"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"),
        ("AIFF", "FLOAT"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"), ("NIST", "PCM_16"), ("VOC", "PCM_16"), ("SVX", "PCM_16"),
    ],
)  # fmt: skip
def test_audio_is_found_by_what_it_holds(folder, file_format, subtype):
    for name in ("recording", "take.1"):
        soundfile.write(folder / name, np.zeros(2000), 16000, format=file_format, subtype=subtype)
    assert audio_below(folder).names == ["a.wav", "below/b.wav", "recording", "take.1"]


def test_what_is_no_audio_is_counted_by_its_ending(folder):
    contents = {
        "notes.txt": b"notes", "more.TXT": b"\xff\xfeU\0T\0F\0", "cover.jpg": b"\xff\xd8\xff\xe0",
        "film.avi": b"RIFF\0\0\0\0AVI ", "film.ogv": b"OggS" + bytes(24) + b"\x80theora", "README": b"",
        ".hidden.wav": b"", "below/.git": b"", "x.mid": b"MThd",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / ".cache").mkdir()
    soundfile.write(folder / ".cache" / "c.wav", np.zeros(100), 16000)
    os.mkfifo(folder / "pipe")
    found = audio_below(folder)
    assert found.names == ["a.wav", "below/b.wav"]
    assert str(found) == ("11 files skipped: 3 hidden, 2 .txt, 2 without an ending, 1 .avi, 1 .jpg, 1 .mid, 1 .ogv")
    assert str(Found(["a.wav"], {})) == "" and str(Found([], {".txt": 1})) == "1 file skipped: 1 .txt"


def test_linked_folders_and_files_are_followed(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "c.wav").symlink_to(folder / "a.wav")
    (folder / "gone.wav").symlink_to("nowhere")
    (folder / "gone").symlink_to("nowhere")
    found = audio_below(folder)
    assert found.names == ["a.wav", "below/b.wav", "c.wav", "gone.wav", "linked/a.wav", "linked/below/b.wav"]
    assert found.skipped == {"without an ending": 1}


def test_loops_and_second_links_are_noticed(folder, tmp_path):
    (folder / "below" / "up").symlink_to(folder)
    (folder / "0 first").symlink_to(folder / "below")
    (folder / "below" / "itself").symlink_to(".")
    (folder / "outside").symlink_to(tmp_path)
    found = audio_below(folder)
    assert found.names == ["a.wav", "below/b.wav"]
    assert str(found) == "4 links to folders that are searched anyway"


def test_many_folders_that_link_to_each_other_are_searched_once_each(tmp_path):
    for name in "abcdefghijkl":
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "clip.wav", np.zeros(10), 16000)
        for other in "abcdefghijkl":
            (tmp_path / name / other).symlink_to(tmp_path / other)
    assert audio_below(tmp_path).names == [f"{name}/clip.wav" for name in "abcdefghijkl"]


def test_a_folder_without_audio_is_an_error_that_says_what_is_there(tmp_path):
    with pytest.raises(AscError, match="holds no audio file, nor does a folder in it; expected WAV, FLAC, Ogg"):
        audio_below(tmp_path)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(AscError, match=r"holds no audio file, nor does a folder in it \(1 file skipped: 1 .txt\)"):
        audio_below(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(AscError, match=f"{tmp_path / 'x'}: cannot be read"):
        audio_below(tmp_path / "x")
