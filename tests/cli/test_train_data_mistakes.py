"""`asc-tf train` on data that cannot be used: one sentence, and nothing left behind."""

import pytest
from command_line import TRAIN, fails, train_fails
from damaged_audio import damage_empty, damage_nan, damage_text, damage_truncate


def test_missing_data_folder(tmp_path, capsys):
    sentence = fails(capsys, *TRAIN, "--data", tmp_path / "nowhere", "--run", tmp_path / "run")
    assert f"{tmp_path / 'nowhere'}: no such folder" in sentence and not (tmp_path / "run").exists()


def test_metadata_without_a_needed_column(root, tmp_path, capsys):
    (root / "meta.csv").write_text((root / "meta.csv").read_text().replace("source_label", "recorder"))
    sentence = train_fails(capsys, root, tmp_path / "run")
    assert "meta.csv: has no column 'source_label'; found filename, scene_label, identifier, recorder" in sentence


def test_clip_in_a_split_and_not_on_disk(root, tmp_path, capsys):
    clip = next((root / "audio").glob("*-s5.wav"))
    clip.unlink()
    assert f"audio/{clip.name}: no such file; expected every file that the metadata names" in train_fails(
        capsys, root, tmp_path / "run"
    )


@pytest.mark.parametrize(
    ("damage", "message", "which"),
    [
        (damage_empty, "is empty; expected an audio file", 0),
        (damage_truncate, "truncated", -1),
        (damage_text, "cannot be decoded as audio", 0),
        (damage_nan, "sample 1234 is nan, which is not a finite number", -1),
    ],
)
def test_unreadable_training_clip_is_named(root, tmp_path, capsys, damage, message, which):
    """The first or the last of them."""
    names = (root / "evaluation_setup" / "fold1_train.csv").read_text().splitlines()[1:]
    path = root / names[which].split("\t")[0]
    damage(path)
    sentence = train_fails(capsys, root, tmp_path / "run")
    assert path.name in sentence and message in sentence


def test_leaving_out_an_unknown_device_names_those_with_training_clips(root, tmp_path, capsys):
    sentence = train_fails(capsys, root, tmp_path / "run", "data.leave_out=s4")
    expected = "setting data.leave_out is s4; expected devices with training clips: a, b, c, s1, s2, s3"
    assert sentence == f"asc-tf: {expected}"
