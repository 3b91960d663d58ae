"""history.csv: the results of each epoch of a training."""

import pandas as pd

from asc_tf.experiment.run_folder import read_csv, write_checked_csv

_IN_PERCENT = {
    "accuracy": ("accuracy_percent", 100),
    "val_accuracy": ("val_accuracy_percent", 100),
    "device_accuracy": ("device_accuracy_percent", 1),  # see `MinVarianceCheckpoint`
}
"""{name in Keras' logs: (name in the file, factor of the value)}"""


def write_history(path, history):
    """Write the logs of a training by `resumable_fit`, one row per epoch, the first one numbered 1.

    Args:
        path: of the CSV file, history.csv of a run folder.
        history: one dict of logs per epoch; Keras's accuracies are shares of 1 and become percent.
    """
    write_checked_csv(path, history_table(history))


def read_history(path):
    """The frame of a history.csv: epoch (from 1), loss, and, if kept, accuracy_percent, val_loss and the like.

    Older files, written before epochs counted from 1, are read as if written today.

    Raises:
        AscError: it is damaged or no such file.
    """
    frame = read_csv(path, ("epoch", "loss"))
    return _table(frame.drop(columns="epoch")) if frame.epoch.iloc[0] == 0 else frame


def history_table(history):
    """The frame that `write_history` writes."""
    return _table(pd.DataFrame(history))


def _table(logs):
    table = pd.DataFrame({"epoch": range(1, len(logs) + 1)})
    for name in logs.columns:
        column, factor = _IN_PERCENT.get(name, (name, 1))
        table[column] = factor * logs[name]
    return table
