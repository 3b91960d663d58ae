"""Recordings that cannot be used are named after all others are done."""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from cache_checks import audio, build, contents, shard_times

from asc_tf.errors import AscError


def another_length(path):
    soundfile.write(path, np.zeros(2 * 44100), 44100)


SPOILERS = {
    "empty": (lambda path: path.write_bytes(b""), "is empty; expected an audio file"),
    "text": (lambda path: path.write_text("no audio"), "cannot be decoded as audio"),
    "missing": (lambda path: path.unlink(), "cannot be read (No such file or directory)"),
    "length": (another_length, "lasts 2.00 s; expected 1.00 s"),
}


@pytest.mark.parametrize("kind", SPOILERS)
def test_a_clip_that_cannot_be_used_is_named_after_all_others_are_done(root, clips, expected, decoded, tmp_path, kind):
    spoil, problem = SPOILERS[kind]
    path = audio(root, clips, 4)
    kept = shutil.copy2(path, tmp_path / "kept.wav")
    spoil(path)
    with pytest.raises(AscError) as error:
        build(root, clips)
    assert str(error.value).startswith(f"{path}: {problem}")
    assert f"; 1 of {len(clips)} clips cannot be used, {root / 'features'}/" in str(error.value)
    assert len({*decoded} - {clips.filename[4]}) == len(clips) - 1
    shutil.copy2(kept, path)
    decoded.clear()
    build(root, clips)
    assert decoded == [clips.filename[4]]
    assert contents(root / "features") == expected


def test_every_clip_that_cannot_be_used_is_in_a_table_until_it_is_repaired(root, clips, decoded, tmp_path):
    kept = shutil.copytree(root / "audio", tmp_path / "kept")
    numbers = [1, 5, 8, 13]
    for number, (spoil, _) in zip(numbers, SPOILERS.values(), strict=True):
        spoil(audio(root, clips, number))
    with pytest.raises(AscError, match=f"4 of {len(clips)} clips cannot be used"):
        build(root, clips)
    (table,) = root.rglob("unreadable.csv")
    unreadable = pd.read_csv(table)
    assert unreadable.filename.tolist() == sorted(clips.filename[numbers])
    for number, (_, problem) in zip(numbers, SPOILERS.values(), strict=True):
        assert problem in unreadable.set_index("filename").problem[clips.filename[number]]
    decoded.clear()
    for number in numbers[:2]:
        shutil.copy2(kept / audio(root, clips, number).name, audio(root, clips, number))
    with pytest.raises(AscError, match=f"2 of {len(clips)} clips cannot be used"):
        build(root, clips)
    assert pd.read_csv(table).filename.tolist() == sorted(clips.filename[numbers[2:]])
    assert {*decoded} >= {*clips.filename[numbers[:2]]} and {*decoded} <= {*clips.filename[numbers]}
    shutil.copytree(kept, root / "audio", dirs_exist_ok=True)
    build(root, clips)
    assert not table.exists()


def test_clips_that_all_cannot_be_used(root, clips):
    for number in range(3):
        audio(root, clips, number).write_bytes(b"")
    with pytest.raises(AscError, match="3 of 3 clips cannot be used"):
        build(root, clips[:3])
    assert not shard_times(root)


def test_a_computed_recording_that_vanished_is_named(built, clips, decoded):
    audio(built, clips, 6).unlink()
    with pytest.raises(AscError, match=f"{clips.filename[6]}: cannot be read .No such file"):
        build(built, clips)
    assert decoded == []
