"""`asc-tf evaluate`: the table, other data, seeds, devices left out."""

import json

import pytest
from command_line import fails

from asc_tf.cli import main

pytestmark = pytest.mark.usefixtures("eager")


def test_evaluate_repeats_the_table_from_the_kept_predictions(run, capsys):
    (run / "metrics.json").unlink()
    assert main(["evaluate", str(run)]) == 0
    assert "unseen" in capsys.readouterr().out and (run / "metrics.json").is_file()


def test_evaluate_on_another_data_set_counts_its_devices_as_unseen(run, root, capsys):
    for file in ("meta.csv", "evaluation_setup/fold1_evaluate.csv"):
        path = root / file
        path.write_text(path.read_text().replace("-s6.wav", "-phone.wav").replace("\ts6\n", "\tphone\n"))
    for path in (root / "audio").glob("*-s6.wav"):
        path.rename(str(path).replace("-s6.wav", "-phone.wav"))
    assert main(["evaluate", str(run), "--data", str(root)]) == 0
    assert "PHONE" in capsys.readouterr().out
    metrics = json.loads((run / "on-data" / "metrics.json").read_text())
    assert metrics["devices"]["unseen"]["clips"] == 30


@pytest.mark.slow
def test_seeds_are_trained_once_and_summed_up(run, capsys):
    for _ in range(2):
        assert main(["evaluate", str(run), "--seeds", "2"]) == 0
    out, err = capsys.readouterr()
    assert out.count("seed 0") == out.count("seed 1") == 2 * 3, "in each of the table's three folds"
    assert out.count("±") % 2 == 0 and out.count("±") >= 40
    assert err.count("epoch 2/2") == 1
    assert (run / "seeds" / "1" / "last.keras").is_file() and (run / "seeds.csv").is_file()


def test_impossible_number_of_seeds(run, capsys):
    assert "--seeds 0" in fails(capsys, "evaluate", run, "--seeds", 0)


def test_unknown_scene_at_evaluation(run, root, capsys):
    for file in ("meta.csv", "evaluation_setup/fold1_train.csv", "evaluation_setup/fold1_evaluate.csv"):
        path = root / file
        path.write_text(path.read_text().replace("\tpark", "\tforest"))
    assert "scene 'forest' is unknown to the network; it knows airport" in fails(
        capsys, "evaluate", run, "--data", root
    )


def test_device_left_blank_at_evaluation(run, root, capsys):
    path = root / "meta.csv"
    path.write_text(path.read_text().replace("\ts4\n", "\t\n"))
    assert "has no source_label" in fails(capsys, "evaluate", run, "--data", root)


def test_devices_are_left_out_in_turn(run, capsys, monkeypatch):
    monkeypatch.setattr("asc_tf.stages.evaluate_left_out_devices", lambda run, report: f"table of {run}")
    assert main(["evaluate", str(run), "--leave-device-out"]) == 0
    assert capsys.readouterr().out == f"table of {run}\n"


@pytest.mark.parametrize("other", [["--seeds", 2], ["--seconds", 0.5], ["--data", "x"]])
def test_leaving_devices_out_goes_with_no_other_flag(run, capsys, other):
    sentence = fails(capsys, "evaluate", run, "--leave-device-out", *other)
    assert "--leave-device-out: is given with --data, --seconds or --seeds" in sentence
