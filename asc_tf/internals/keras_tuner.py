"""Names of KerasTuner that are not public: public names for the inner parts of its oracles, tuners and service."""

import os

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial as Trial
from keras_tuner.engine.trial import TrialStatus as TrialStatus
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer as OracleServicer
from keras_tuner.src.distribute.oracle_client import OracleClient
from keras_tuner.src.utils import save_json

TESTED = "keras-tuner 1.4.8"


class OpenOracle:
    """A base before KerasTuner's class of an oracle, to draw other values and to write other files.

    KerasTuner lets only `populate_space` be overridden. Its random draws, the trials that it repeats and the files that
    it keeps are private.
    """

    def draw(self):
        """Random values that were not tried yet, {name: value}, or None. To be overridden."""
        raise NotImplementedError

    def write_trial(self, trial):
        """Keep a trial on disk. To be overridden."""
        raise NotImplementedError

    def _random_values(self):
        return self.draw()

    def _save_trial(self, trial):
        self.write_trial(trial)

    @property
    def to_repeat(self):
        """Identifiers of trials to hand out again, a list that may be changed."""
        return self._retry_queue

    def is_tried(self, values):
        """Whether a trial has these values."""
        return self._duplicate(values)

    def next_seed(self):
        """A seed for one random number; the saved state counts the seeds."""
        self._seed_state += 1
        return self._seed_state - 1

    @property
    def folder(self):
        """Folder of the oracle and its trials; each trial has its own folder."""
        return self._project_dir

    @property
    def path(self):
        """The file of the oracle's own state."""
        return self._get_oracle_fname()

    def trial_path(self, trial):
        """The file of a trial."""
        return os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")


class OpenHyperband(keras_tuner.oracles.HyperbandOracle):
    """Hyperband with other brackets; KerasTuner derives its own from the number of epochs, in private methods."""

    def bracket_count(self):
        """Number of brackets; to be overridden."""
        return super()._get_num_brackets()

    def bracket_size(self, bracket, round_):
        """Number of trials in a round of a bracket; to be overridden."""
        return super()._get_size(bracket, round_)

    def _get_num_brackets(self):
        return self.bracket_count()

    def _get_size(self, bracket_num, round_num):
        return self.bracket_size(bracket_num, round_num)


class OpenTuner(keras_tuner.Tuner):
    """A tuner whose network building can be overridden; KerasTuner's requires a Keras 3 model."""

    def build(self, hyperparameters):
        """The network of a trial; overriding methods may call this one, by which Hyperband continues a trial."""
        return self._build_hypermodel(hyperparameters)

    def _try_build(self, hp):
        return self.build(hp)

    def weights_path(self, trial):
        """The file of a trial's best weights."""
        return self._get_checkpoint_fname(trial.trial_id)

    def keep_build_config(self, trial, network):
        """Write the file that Hyperband reads before it loads another trial's weights to continue from."""
        save_json(self._get_build_config_fname(trial.trial_id), network.get_build_config())


class TrialLoop(BaseTuner):
    """KerasTuner's loop over trials; in its private method any error would be a failed trial."""

    def try_trial(self, trial):
        """Run a trial and report its end in its `status` and `message`. To be overridden."""
        raise NotImplementedError

    def _try_run_and_update_trial(self, trial, *arguments, **named):
        self.try_trial(trial)


class WorkerOracle(OracleClient):
    """A worker's stand-in for its oracle; KerasTuner's finds its chief only by environment variables.

    Args:
        oracle: of the same kind as the chief's.
        stub: of `chief_stub`, or an object that answers like one.
        worker: name of this worker.
    """

    def __init__(self, oracle, stub, worker):
        self._oracle, self.stub, self.tuner_id = oracle, stub, worker
        self.multi_worker, self.should_report = False, True


def add_to_server(servicer, server):
    """Let a gRPC server answer with an `OracleServicer`; KerasTuner's generated code is private."""
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)


def chief_stub(channel):
    """The questions to a chief over a gRPC channel, each as a callable."""
    return protos.get_service_grpc().OracleStub(channel)
