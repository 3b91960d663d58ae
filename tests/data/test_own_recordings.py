"""Recordings of one's own become a data set: clips of one length, pieces of a recording on one side."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from asc_tf.audio.waveform import load_waveform
from asc_tf.cli import main
from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.data.own_recordings import plan_clips, plan_table, write_own_set
from asc_tf.data.recordings import Recording, find_recordings
from asc_tf.errors import AscError

FORMATS = (("wav", 16000), ("flac", 44100), ("ogg", 48000))


def sound(path, seconds, rate_hz, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(-0.5, 0.5, round(seconds * rate_hz))
    soundfile.write(path, np.tile(ramp[:, None], channels), rate_hz)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two scenes, two devices, 1.0 to 3.5 s each; the last one is shorter than a clip."""
    root = tmp_path_factory.mktemp("own")
    for scene in ("kitchen", "my street"):
        for index, (ending, rate) in enumerate(FORMATS):
            sound(root / scene / f"phone {index % 2}" / f"take.{index}.{ending}", 1 + 1.25 * index, rate, 1 + index % 2)
        sound(root / scene / "phone 0" / "short.wav", 0.3, 8000)
    (root / "kitchen" / "phone 0" / "notes.txt").write_text("no sound")
    return root


@pytest.fixture(scope="module")
def plan(folder):
    recordings, errors = find_recordings(folder, "scene/device")
    assert [error.split(": ")[0][-9:] for error in errors] == ["notes.txt"]
    return plan_clips(recordings, clip_seconds=1.0)


def test_clips_have_one_length_and_the_sound_of_their_place(plan, tmp_path):
    train, test = write_own_set(plan, tmp_path / "set")
    assert train + test == len(plan.clips) == 12
    clips = read_clips(tmp_path / "set")
    check_audio_files(tmp_path / "set", clips)
    infos = {soundfile.info(tmp_path / "set" / name) for name in clips.filename}
    assert {(info.samplerate, info.channels, info.subtype, info.frames) for info in infos} == {
        (44100, 1, "PCM_24", 44100)
    }
    second = plan.clips[plan.clips.begin_seconds == 1].iloc[0]
    whole = load_waveform(second.path, 44100)
    written, _ = soundfile.read(tmp_path / "set" / second.filename)
    assert np.abs(written - whole[44100:88200]).max() < 2**-22


def test_pieces_of_a_recording_and_of_a_location_are_on_one_side(plan, tmp_path):
    assert (plan.clips.groupby("location").split.nunique() == 1).all()
    assert set(plan.clips.groupby("scene").split.nunique()) == {2}
    write_own_set(plan, tmp_path)
    clips = read_clips(tmp_path)
    assert clips.groupby("parent").split.nunique().max() == 1 and clips.parent.nunique() == 6
    assert set(clips.device) == {"phone 0", "phone 1"}


def test_the_table_says_what_is_left_out(plan):
    assert "2 recordings are shorter than 1 s and left out, such as" in plan_table(plan)
    assert max(map(len, plan_table(plan).splitlines()[:-1])) <= 100


@pytest.mark.parametrize(("hop", "expected"), [(None, 3), (0.5, 6), (2.0, 2)])
def test_hop(hop, expected):
    recordings = [Recording(f"{i}.wav", "s", location=f"place {i}", seconds=3.52) for i in range(2)]
    clips = plan_clips(recordings, 1.0, hop).clips
    assert (clips.groupby("recording").size() == expected).all()
    assert clips.begin_seconds.max() + 1.0 <= 3.52 + 0.1


def test_a_table_says_device_location_and_split(folder, tmp_path):
    rows = [
        (folder / "kitchen/phone 0/take.0.wav", "indoors", "p1", "home", "train"),
        (folder / "kitchen/phone 1/take.1.flac", "outdoors", "p2", "yard", "test"),
    ]
    path = tmp_path / "recordings.csv"
    pd.DataFrame(rows, columns=["filename", "scene", "device", "location", "split"]).to_csv(path, index=False, sep=";")
    recordings, _ = find_recordings(path)
    clips = plan_clips(recordings, 1.0).clips
    assert set(zip(clips.scene, clips.device, clips.location, clips.split, strict=True)) == {
        ("indoors", "p1", "home", "train"),
        ("outdoors", "p2", "yard", "test"),
    }


def test_locations_whose_names_look_alike_stay_apart():
    recordings = [
        Recording(f"{i}.wav", "s", location=name, seconds=1) for i, name in enumerate(["a b", "a-b", "a/b", "c"])
    ]
    assert plan_clips(recordings, 1.0).clips.location.nunique() == 4


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--folders", "scene/room"], "--folders scene/room: expected scene, and device or location"),
        (["--folders", "scene/device/location"], "is not deep enough in folders; expected"),
        (["--seconds", "60"], "--seconds 60: is longer than every recording; expected at most 3.5"),
        (["--seconds", "0"], "--seconds 0.0: expected a value from 0.1 to 3,600"),
        (["--test", "1"], "--test 1.0: expected a value from 0.001 to 0.999"),
        (["--seconds", "3"], "scene 'kitchen' has only one location"),
    ],
)
def test_mistakes_are_one_sentence(folder, tmp_path, capsys, arguments, expected):
    assert main(["data", "make", str(folder), "--out", str(tmp_path / "set"), *arguments]) == 1
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_a_dry_run_writes_nothing_and_the_same_command_goes_on(folder, tmp_path, capsys):
    command = [
        "data",
        "make",
        str(folder),
        "--out",
        str(tmp_path / "set"),
        "--seconds",
        "1",
        "--folders",
        "scene/device",
    ]
    assert main([*command, "--dry-run"]) == 0 and not (tmp_path / "set").exists()
    assert main(command) == 0
    (victim, *_), meta = sorted((tmp_path / "set" / "audio").iterdir()), (tmp_path / "set" / "meta.csv").read_text()
    sound_of_it, kept = (
        victim.read_bytes(),
        {path: path.stat().st_mtime_ns for path in (tmp_path / "set/audio").iterdir()},
    )
    victim.unlink()
    assert main(command) == 0
    assert victim.read_bytes() == sound_of_it and (tmp_path / "set" / "meta.csv").read_text() == meta
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items() if path != victim)
    capsys.readouterr()
    assert main([*command[:-4], "--seconds", "0.5", "--folders", "scene/device"]) == 1
    assert "is of other recordings or another length" in capsys.readouterr().err


def test_a_table_without_what_is_needed(tmp_path):
    path = tmp_path / "recordings.csv"
    path.write_text("filename,place\na.wav,here\n")
    with pytest.raises(AscError, match="has the columns filename, place; expected filename and scene"):
        find_recordings(path)
    path.write_text("filename,scene,split\na.wav,here,both\n")
    with pytest.raises(AscError, match="line 2 has the split 'both'; expected train or test"):
        find_recordings(path)


LONG = "x" * 200


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a.wav", "../../x", "p", "here")], "scene '../../x' cannot name a folder"),
        ([("a.wav", "park", "../../x", "here")], "device '../../x' cannot name a folder"),
        ([("a.wav", "park", "p", "here"), ("b.wav", "Park", "p", "there")], "has scenes 'Park' and 'park'"),
        ([("a.wav", "park", "p", "here"), ("b.wav", "park", "p", "Here")], "has locations 'Here' and 'here'"),
        ([("a.wav", "park", "all", "here")], "device 'all' is a row or a column"),
    ],
)
def test_labels_of_a_table_are_names(tmp_path, rows, message):
    for name in ("a.wav", "b.wav"):
        sound(tmp_path / name, 1, 8000)
    pd.DataFrame(rows, columns=["filename", "scene", "device", "location"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(AscError) as error:
        find_recordings(tmp_path / "t.csv")
    assert str(error.value).startswith(f"{tmp_path / 't.csv'}: {message}")


def test_places_of_files_with_any_name_become_labels_that_are_read(tmp_path):
    """Those of one spelling, of names too long for a label and of names without letters stay apart."""
    names = ["Rec1", "rec1", "rec 1", "!.!", "!!", LONG + "1", LONG + "2", "Tür", "caf\u00e9"]
    for name in names:
        sound(tmp_path / "own" / "park" / f"{name}.wav", 1, 8000)
    plan = plan_clips(find_recordings(tmp_path / "own")[0], 1.0)
    write_own_set(plan, tmp_path / "set")
    assert read_clips(tmp_path / "set").location.nunique() == len(names)
