"""history.csv: what each epoch of a training has come to."""

import pandas as pd

from asc_tf.experiment.run_folder import read_csv, write_checked_csv

_IN_PERCENT = {
    "accuracy": ("accuracy_percent", 100),
    "val_accuracy": ("val_accuracy_percent", 100),
    "device_accuracy": ("device_accuracy_percent", 1),  # see `MinVarianceCheckpoint`
}
"""{name of Keras' log: (name in the file, what a value is multiplied by)}"""


def write_history(path, history):
    """Write the logs of a training, of `resumable_fit`, one row an epoch, the first one numbered 1.

    Args:
        path: of the CSV file, history.csv of a run folder.
        history: one dict of logs an epoch; accuracies of Keras are shares of 1 and become percent.
    """
    write_checked_csv(path, _table(pd.DataFrame(history)))


def read_history(path):
    """The frame of a history.csv: epoch (from 1), loss, and accuracy_percent, val_loss and the like if they were kept.

    Files that were written before epochs counted from 1 are read as if they were written today.

    Raises:
        AscError: it is damaged or no such file.
    """
    frame = read_csv(path, ("epoch", "loss"))
    return _table(frame.drop(columns="epoch")) if frame.epoch.iloc[0] == 0 else frame


def _table(logs):
    table = pd.DataFrame({"epoch": range(1, len(logs) + 1)})
    for name in logs.columns:
        column, factor = _IN_PERCENT.get(name, (name, 1))
        table[column] = factor * logs[name]
    return table
