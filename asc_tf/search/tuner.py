"""The tuner of `asc-tf search`: KerasTuner's loop around a training whose state is kept on disk."""

import contextlib
import os

import tensorflow as tf

from asc_tf.errors import DivergedError
from asc_tf.internals.keras_tuner import TrialLoop, TrialStatus
from asc_tf.search.oracles import PROJECT
from asc_tf.search.service import SearchEnded


class RunTuner(TrialLoop):
    """Tries the proposals of an oracle, alone or as one of several workers.

    A trial has the folder DIRECTORY/trials/trial_ID for KerasTuner's trial.json and for its training; a training that a
    killed process began there continues.

    Args:
        oracle: of `asc_tf.search.oracles`.
        directory: of the search; the same on all machines.
        run: function (values {name: value}, folder, folder of the trial to continue from or None) to a dict of metrics,
            the objective among them.
        chief: `asc_tf.search.service.Chief`, which a worker asks in place of its own oracle.
    """

    def __init__(self, oracle, directory, run, chief=None):
        super().__init__(oracle, directory=str(directory), project_name=PROJECT)
        self._run, self._chief = run, chief
        if chief is not None:
            self.oracle, self.tuner_id = chief.oracle_for(oracle), chief.worker
        elif os.path.isfile(oracle.path):
            oracle.reload()

    def search(self):
        with contextlib.suppress(SearchEnded):
            super().search()

    def run_trial(self, trial):
        values = trial.hyperparameters.values
        before = values.get("tuner/trial_id")
        folders = [self.get_trial_dir(name) if name else None for name in (trial.trial_id, before)]
        if self._chief is None:
            return self._run(values, *folders)
        with self._chief.heartbeat(trial.trial_id):
            return self._run(values, *folders)

    def try_trial(self, trial):
        """Only an error in the values fails a trial; all other errors end the search, which can then be continued."""
        try:
            metrics = self.run_trial(trial)
            if not self.oracle.get_trial(trial.trial_id).metrics.exists(self.oracle.objective.name):
                self.oracle.update_trial(trial.trial_id, metrics)
            trial.status = TrialStatus.COMPLETED
        except (DivergedError, tf.errors.ResourceExhaustedError) as error:
            trial.status, trial.message = TrialStatus.FAILED, str(error)

    def pre_create_trial(self):
        if self._chief is not None:
            self._chief.pause()

    def save(self):
        """The oracle saves itself."""
