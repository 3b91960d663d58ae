import numpy as np
import pandas as pd
import pytest

from asc_tf.search.report import on_chip, pareto_front, trials_table, winner, write_pareto_picture


def frame(**columns):
    given = {"trial": ["0", "1", "2", "3"], "status": ["COMPLETED"] * 3 + ["FAILED"], "epochs": [2, 6, 6, np.nan],
             "bytes": [100, 200, 300, np.nan], "macs": [10, 20, 30, np.nan],
             "accuracy": [90.0, 70.0, 80.0, np.nan]}  # fmt: skip
    return pd.DataFrame({**given, **columns})


def test_the_winner_is_of_the_longest_trained():
    assert winner(frame(), "accuracy") == 2
    assert winner(frame(log_loss=[0.1, 0.9, 1.5, np.nan]), "log_loss") == 1
    assert winner(frame(status=["FAILED"] * 4), "accuracy") is None


def test_pareto_front_by_hand():
    costs, scores = [1, 2, 2, 3, 4], [50, 60, 55, 60, 61]
    assert pareto_front(costs, scores, "max").tolist() == [True, True, False, False, True]
    assert pareto_front(costs, scores, "min").tolist() == [True, False, False, False, False]
    assert pareto_front([1, 1], [5, 5], "max").tolist() == [True, True]


def test_table_has_each_trial_once_and_the_failed_last():
    lines = trials_table(frame(message=[None, None, None, "diverged"]), "accuracy").splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["2", "1", "0", "3"]
    assert "diverged" not in lines[-1] and "nan" not in lines[-1].lower()


def test_ram_and_flash_of_the_winner_are_told_if_they_were_limited():
    sizes = {"ram_bytes": 84_000, "flash_bytes": 120_000, "arena_bytes": 62_416}
    trials = frame(
        **{name: [size] * 3 + [np.nan] for name, size in sizes.items()}, arena_is_measured=[True] * 3 + [None]
    )
    (line,) = on_chip(trials.loc[1])
    assert "84,000 bytes of RAM with an arena of 62,416 (measured by tflite-micro), 120,000 bytes of flash" in line
    assert "84,000" in trials_table(trials, "accuracy") and on_chip(frame().loc[1]) == []


@pytest.mark.parametrize("objective", ["accuracy", "log_loss"])
def test_picture_is_drawn(tmp_path, objective):
    write_pareto_picture(tmp_path / "pareto.png", frame(log_loss=[0.5, 0.3, 0.4, np.nan]), objective)
    assert (tmp_path / "pareto.png").read_bytes()[:4] == b"\x89PNG"
