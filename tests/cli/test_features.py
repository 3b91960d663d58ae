"""`asc-tf features`: computed once, counted, and used by the trainings."""

import numpy as np
import pandas as pd
import pytest
from command_line import TRAIN, fails

from asc_tf.cli import main
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError


def rows(root):
    """Names of the clips whose features are kept."""
    return {name.decode() for path in root.rglob("[0-9]*.npy") for name in np.load(path)["filename"]}


def test_features_are_computed_once_counted_and_shown_where_they_are(bare, capsys):
    assert main(["features", str(bare)]) == 0
    out, err = capsys.readouterr()
    (folder,) = (bare / "features").iterdir()
    assert out == f"49 clips, 256 mel bins x 34 frames each, in {folder}\n" and "next: asc-tf train --data" in err
    assert folder.name == "logmel-bf8808c3a79f179e", "with another name all users compute their features anew"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert main(["features", str(bare), "--workers", "1"]) == 0
    assert capsys.readouterr() == (out, err)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before and len(rows(bare)) == 49
    assert main(["features", str(bare), "--frontend", "tau2022"]) == 0
    assert "256 mel bins x 32 frames each" in capsys.readouterr().out and len(list((bare / "features").iterdir())) == 2
    assert main(["features", str(bare), "--frontend", "tau2020-pcen"]) == 0
    assert f"34 frames each, in {bare / 'features' / 'pcen-'}" in capsys.readouterr().out


def test_a_training_uses_the_features_that_were_computed_before(bare, tmp_path, capsys, monkeypatch):
    assert main(["features", str(bare)]) == 0

    def stop(*arguments, **options):
        raise AscError("far enough")

    monkeypatch.setattr(Cut, "load", lambda cut, path: pytest.fail("computes features again"))
    monkeypatch.setattr("asc_tf.stages.features.mean_and_std", stop)
    assert fails(capsys, *TRAIN, "--data", bare, "--run", tmp_path / "run") == "asc-tf: far enough"


def test_features_of_a_clip_that_cannot_be_read(bare, capsys):
    clip = next((bare / "audio").glob("*-s5.wav"))
    clip.write_bytes(b"")
    sentence = fails(capsys, "features", bare)
    assert sentence.startswith(f"asc-tf: {clip}: is empty; expected an audio file; 1 of 49 clips cannot be used")
    assert len(rows(bare)) == 48 and f"audio/{clip.name}" not in rows(bare)
    (table,) = bare.rglob("unreadable.csv")
    assert str(table) in sentence and pd.read_csv(table).filename.tolist() == [f"audio/{clip.name}"]


@pytest.mark.parametrize("workers", [0, -1])
def test_features_with_an_impossible_number_of_workers(bare, capsys, workers):
    assert f"--workers {workers}: expected a value from 1 to 4,096" in fails(
        capsys, "features", bare, "--workers", workers
    )
    assert not (bare / "features").exists()


def test_features_of_an_unknown_frontend_or_folder(bare, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["features", str(bare), "--frontend", "tau2021"])
    assert stop.value.code == 2 and not (bare / "features").exists()
    assert f"{tmp_path / 'nowhere'}: no such folder" in fails(capsys, "features", tmp_path / "nowhere")


def test_features_of_a_data_set_without_training_clips(bare, capsys):
    path = bare / "evaluation_setup" / "fold1_train.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert f"{bare}" in fails(capsys, "features", bare)
