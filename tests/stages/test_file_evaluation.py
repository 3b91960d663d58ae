import json
import shutil

import pandas as pd
import pytest

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.stages import evaluate, evaluate_file


@pytest.fixture
def run(smallest_run, smallest_file, tmp_path):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    shutil.copy(smallest_file, run / "model.tflite")
    return run


def devices(folder):
    return json.loads((folder / "metrics.json").read_text())["devices"]


def test_the_file_of_a_run_hears_what_the_network_does(run, synthetic_root, capsys):
    assert main(["evaluate", str(run / "model.tflite")]) == 0
    assert "unseen" in capsys.readouterr().out
    folder = run / f"model-on-{synthetic_root.name}"
    found, expected = devices(folder), devices(run)
    clips = pd.read_csv(folder / "predictions.csv")
    assert list(clips.columns) == list(pd.read_csv(run / "predictions.csv").columns)
    assert all((synthetic_root / name).is_file() for name in clips.filename)
    assert list(found) == list(expected)
    for name, metrics in expected.items():
        assert found[name]["clips"] == metrics["clips"]
        assert found[name]["accuracy"] == pytest.approx(metrics["accuracy"], abs=0.01)
        assert found[name]["log_loss"] == pytest.approx(metrics["log_loss"], abs=2e-3)


def test_a_file_elsewhere_needs_a_data_set_and_counts_its_devices(run, synthetic_root, tmp_path):
    moved = shutil.move(run / "model.tflite", tmp_path / "moved.tflite")
    with pytest.raises(AscError, match="moved.tflite: is in no run folder; expected a data set by --data"):
        evaluate_file(moved)
    progress = []
    evaluate_file(moved, synthetic_root, lambda done, total: progress.append((done, total)))
    assert devices(tmp_path / f"moved-on-{synthetic_root.name}")["unseen"] == pytest.approx(
        devices(run)["unseen"], rel=0.02, abs=1e-4
    )
    assert progress[-1][0] == progress[-1][1] == len(progress)


def test_two_data_sets_of_one_name_have_tables_of_their_own(run, synthetic_root, tmp_path, monkeypatch):
    """By a file and by its run, however the folders are named."""
    one, other = (shutil.copytree(synthetic_root, tmp_path / name / "clips") for name in ("one", "other"))
    for root in (one, other):
        for part in ("test", "evaluate"):
            path = root / "evaluation_setup" / f"fold1_{part}.csv"
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:10]))  # few clips are enough
    monkeypatch.chdir(other.parent)
    for root in (one, "clips", one):
        evaluate_file(run / "model.tflite", root)
        evaluate(run, root)
    for name in ("on", "model-on"):
        first, second = (run / f"{name}-clips{again}" for again in ("", "-2"))
        assert json.loads((first / "data_set.json").read_text()) == {"root": str(one)}
        assert json.loads((second / "data_set.json").read_text()) == {"root": str(other)}
        assert devices(first) == devices(second)


def test_a_clip_that_cannot_be_read_is_named(run, synthetic_root, tmp_path, capsys):
    root = shutil.copytree(synthetic_root, tmp_path / "data")
    clip = sorted((root / "audio").glob("*-s6.wav"))[0]
    clip.write_bytes(b"no audio")
    assert main(["evaluate", str(run / "model.tflite"), "--data", str(root)]) == 1
    err = capsys.readouterr().err
    assert clip.name in err and "Traceback" not in err
    assert not (run / "model-on-data").exists()


def test_seeds_are_for_runs(run, capsys):
    assert main(["evaluate", str(run / "model.tflite"), "--seeds", "2"]) == 1
    assert "--seeds, --seconds and --leave-device-out are for runs" in capsys.readouterr().err
