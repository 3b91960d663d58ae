"""`asc-tf evaluate --seconds`: pieces of the clips beside the whole ones."""

import json

import pandas as pd
import pytest
from command_line import fails

from asc_tf.cli import main

pytestmark = pytest.mark.usefixtures("eager")


def files(folder):
    return {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_pieces_are_evaluated_beside_the_whole_clips(run, capsys):
    before = files(run)
    assert main(["evaluate", str(run), "--seconds", "0.5"]) == 0
    assert "unseen" in capsys.readouterr().out and files(run) == before
    names = {path.name for path in (run / "pieces-0.5s").iterdir()}
    assert names == {"metrics.json", "devices.csv", "scenes.csv", "confusion.csv", "predictions.csv", "SHA256SUMS"}
    pieces = pd.read_csv(run / "pieces-0.5s" / "predictions.csv")
    assert len(pieces) == pieces.clip_id.nunique() == 180 and pieces.filename.nunique() == 90
    metrics = json.loads((run / "pieces-0.5s" / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 180 and metrics["devices"]["s4"]["clips"] == 20


def test_one_piece_is_the_whole_clip(run, root, capsys):
    assert main(["evaluate", str(run), "--seconds", "1"]) == 0
    pieces, whole = (json.loads((folder / "metrics.json").read_text()) for folder in (run / "pieces-1s", run))
    assert pieces["confusion"] == whole["confusion"]
    for device, values in whole["devices"].items():
        assert pieces["devices"][device] == pytest.approx(values, abs=1e-7)  # gaps are near 0
    assert main(["evaluate", str(run), "--seconds", "0.25", "--data", str(root)]) == 0
    metrics = json.loads((run / "on-data-0.25s" / "metrics.json").read_text())
    assert metrics["devices"]["all"]["clips"] == 360


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ("99", "pieces of 99 s are given; expected at most 1 s"),
        ("0", "--seconds 0.0: expected a value from 0.001"),
        ("-1", "--seconds -1.0: expected a value from 0.001"),
        ("nan", "--seconds nan: expected a value from 0.001"),
    ],
)
def test_pieces_of_an_impossible_length(run, capsys, seconds, message):
    before = files(run)
    assert message in fails(capsys, "evaluate", run, "--seconds", seconds)
    assert files(run) == before and not list(run.glob("pieces-*"))


def test_pieces_and_seeds_do_not_go_together(run, capsys):
    assert "is given with --data or --seconds" in fails(capsys, "evaluate", run, "--seconds", 0.5, "--seeds", 2)
