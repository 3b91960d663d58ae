"""The record of a training in a tracker, the same one after each interruption."""

import contextlib
from pathlib import Path

import tf_keras as keras

from asc_tf.evaluation.metrics import device_metrics
from asc_tf.experiment.history import history_table, read_history
from asc_tf.experiment.run_folder import read_run
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.preconditions import has_test_part
from asc_tf.tracking.state import tracking_state, write_state
from asc_tf.tracking.trackers import begin_record, first_line


@contextlib.contextmanager
def tracked(folder, tracker, report, asked=None):
    """A `Tracking` for the block that trains a run, or None; then the results on the test part are logged.

    Args:
        folder, tracker: of `tracking_state`.
        report: called with lines for the user.
        asked: {name: value} of what was asked for beside the run's settings.

    Raises:
        AscError: as `tracking_state`, or the tracker cannot begin.
    """
    state = tracking_state(folder, tracker)
    if state["tracker"] is None:
        yield None
        return
    tracking, finished = Tracking(Path(folder), state, report, asked or {}), False
    try:
        yield tracking
        finished = tracking.finish()
    finally:
        tracking.close(finished)


class Tracking:
    """Logs to the tracker of a run folder what was not logged yet; begins when a first callback is asked for.

    A server that is away does not end a training: what could not be logged is reported, and tried again after the next
    epoch and when the same command is given again.

    Args:
        folder: of the run.
        state: of `tracking_state`.
        report: called with lines for the user.
        asked: of `tracked`.
    """

    def __init__(self, folder, state, report, asked):
        self._folder, self._state, self._report, self._asked = folder, state, report, asked
        self._record = None

    def callback(self, settings, phase=""):
        """A Keras callback that logs each epoch.

        Args:
            settings: {name: value} of the run.
            phase: name of a part of the training, which goes before the metrics' names.
        """
        self._begin(settings)
        return TrackedEpochs(self, phase)

    def log(self, epochs, phase=""):
        """Log those epochs that are not logged yet.

        Args:
            epochs: frame of `read_history`, all epochs so far.
            phase: of `callback`.
        """
        logged, prefix = self._state["epochs"], f"{phase}/" if phase else ""
        for row in epochs.iloc[logged.get(phase, 0) :].to_dict("records"):
            number = int(row.pop("epoch"))
            metrics = {f"{prefix}{name}": float(value) for name, value in row.items()}
            if not self._done(f"epoch {number}", self._record.log, metrics, number):
                return
            logged[phase] = number
            write_state(self._folder, self._state)

    def finish(self):
        """Log the results on the test part, once; returns whether all is logged."""
        if not self._state["finished"]:
            config, dataset = read_run(self._folder)
            self._begin(config.by_name())
            if (self._folder / "history.csv").is_file():
                self.log(read_history(self._folder / "history.csv"))
            results = {}
            if has_test_part(self._folder):
                for name, row in device_metrics(predict_test(self._folder), dataset.seen_devices).iterrows():
                    results[f"test/{name}/accuracy_percent"] = float(row.accuracy)
                    results[f"test/{name}/log_loss"] = float(row.log_loss)
            self._state["finished"] = self._done("the results", self._record.finish, results)
            write_state(self._folder, self._state)
        return self._state["finished"]

    def close(self, finished):
        """End this process's part of the record, if it was begun."""
        if self._record is not None:
            self._done("the end", self._record.close, finished)

    def _begin(self, settings):
        if self._record is None:
            self._record = begin_record(self._state["tracker"], self._state["id"], self._folder, settings | self._asked)
            self._state["id"] = self._record.id
            write_state(self._folder, self._state)

    def _done(self, what, log, *arguments):
        try:
            log(*arguments)
        except Exception as error:  # of the package, of any class
            self._report(f"{self._state['tracker']}: {what} could not be logged ({first_line(error)})")
            return False
        return True


class TrackedEpochs(keras.callbacks.Callback):
    """Logs each epoch to a `Tracking`, under the names of history.csv."""

    def __init__(self, tracking, phase):
        super().__init__()
        self._tracking, self._phase, self._history = tracking, phase, []

    def resume(self, history):
        """Go on after these epochs."""
        self._history = list(history)

    def on_epoch_end(self, epoch, logs=None):
        self._history.append(dict(logs))
        self._tracking.log(history_table(self._history), self._phase)
