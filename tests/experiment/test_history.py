"""history.csv counts epochs from 1 and says percent; files that older runs hold say the same when they are read."""

import pandas as pd

from asc_tf.experiment.history import read_history, write_history

LOGS = [
    {"loss": 1.5, "accuracy": 0.25, "val_loss": 1.25, "val_accuracy": 0.5, "device_accuracy": 50.0},
    {"loss": 1.0, "accuracy": 0.75, "val_loss": 1.0, "val_accuracy": 1.0, "device_accuracy": 75.0},
]


def test_epochs_count_from_1_and_accuracies_are_percent(tmp_path):
    write_history(tmp_path / "history.csv", LOGS)
    frame = pd.read_csv(tmp_path / "history.csv")
    assert frame.epoch.to_list() == [1, 2]
    assert frame.accuracy_percent.to_list() == [25, 75] and frame.val_accuracy_percent.to_list() == [50, 100]
    assert frame.device_accuracy_percent.to_list() == [50, 75] and "accuracy" not in frame
    pd.testing.assert_frame_equal(read_history(tmp_path / "history.csv"), frame)


def test_histories_of_older_runs_read_alike(tmp_path):
    write_history(tmp_path / "new.csv", LOGS)
    pd.DataFrame(LOGS).rename_axis("epoch").reset_index().to_csv(tmp_path / "old.csv", index=False)
    pd.testing.assert_frame_equal(read_history(tmp_path / "old.csv"), read_history(tmp_path / "new.csv"))


def test_a_history_without_accuracies_is_one(tmp_path):
    write_history(tmp_path / "history.csv", [{"loss": 2.0}])
    assert list(read_history(tmp_path / "history.csv").columns) == ["epoch", "loss"]
