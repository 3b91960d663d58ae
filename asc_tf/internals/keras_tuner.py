"""What is not public of KerasTuner: public names for the inner parts of its oracles, tuners and service."""

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
    """Stands before KerasTuner's class of an oracle, to draw other values and to write other files.

    KerasTuner lets `populate_space` be overridden and no more: how it draws at random, which trials it repeats and
    where it keeps them is private.
    """

    def draw(self):
        """Values at random that were not tried yet, {name: value}, or None. To be overridden."""
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
        """A seed for one random number; the state that is saved counts them."""
        self._seed_state += 1
        return self._seed_state - 1

    @property
    def folder(self):
        """Where the oracle and its trials are kept, each trial in a folder of its own."""
        return self._project_dir

    @property
    def path(self):
        """The file of the oracle's own state."""
        return self._get_oracle_fname()

    def trial_path(self, trial):
        """The file of a trial."""
        return os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")


class OpenHyperband(keras_tuner.oracles.HyperbandOracle):
    """Hyperband with other brackets; KerasTuner's follow from the number of epochs, in methods that are private."""

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
    """A tuner whose way to build a network can be overridden; KerasTuner's wants a Keras 3 model."""

    def build(self, hyperparameters):
        """The network of a trial; what overrides it may call this one, by which Hyperband goes on with a trial."""
        return self._build_hypermodel(hyperparameters)

    def _try_build(self, hp):
        return self.build(hp)

    def weights_path(self, trial):
        """The file of a trial's best weights."""
        return self._get_checkpoint_fname(trial.trial_id)

    def keep_build_config(self, trial, network):
        """Write what Hyperband reads before it loads the weights that another trial goes on from."""
        save_json(self._get_build_config_fname(trial.trial_id), network.get_build_config())


class TrialLoop(BaseTuner):
    """KerasTuner's loop over trials; any error would be a failed trial, in a method that is private."""

    def try_trial(self, trial):
        """Run a trial and say in its `status` and `message` how it ended. To be overridden."""
        raise NotImplementedError

    def _try_run_and_update_trial(self, trial, *arguments, **named):
        self.try_trial(trial)


class WorkerOracle(OracleClient):
    """What a worker asks in place of an oracle of its own; KerasTuner's finds its chief by environment variables alone.

    Args:
        oracle: of the same kind as the chief's.
        stub: of `chief_stub`, or what answers as one.
        worker: name of this worker.
    """

    def __init__(self, oracle, stub, worker):
        self._oracle, self.stub, self.tuner_id = oracle, stub, worker
        self.multi_worker, self.should_report = False, True


def add_to_server(servicer, server):
    """Let a gRPC server answer with an `OracleServicer`; KerasTuner's generated code is not public."""
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)


def chief_stub(channel):
    """The questions to a chief over a gRPC channel, each a callable."""
    return protos.get_service_grpc().OracleStub(channel)
