"""What asc_tf.internals.keras_tuner does with names that are not public."""

import inspect

import keras_tuner
import pytest
from keras_tuner.engine.base_tuner import BaseTuner

from asc_tf.internals import keras_tuner as internals

VERSION = f"keras-tuner {keras_tuner.__version__}"
METHODS = [
    (keras_tuner.Oracle, ["_random_values", "_save_trial", "_duplicate", "_get_oracle_fname", "_get_trial_dir"]),
    (keras_tuner.oracles.HyperbandOracle, ["_get_num_brackets", "_get_size"]),
    (BaseTuner, ["_try_run_and_update_trial"]),
    (keras_tuner.Tuner, ["_build_hypermodel", "_try_build", "_get_checkpoint_fname", "_get_build_config_fname"]),
]


@pytest.mark.parametrize(("owner", "names"), METHODS, ids=[owner.__name__ for owner, _ in METHODS])
def test_methods_that_we_override_or_call_are_there(owner, names):
    missing = [name for name in names if not hasattr(owner, name)]
    assert not missing, f"{VERSION}: {owner.__name__} has no {missing} any more, which asc_tf.internals renames"


def test_kerastuner_calls_what_we_override():
    """A method that is there and that nobody calls would let KerasTuner's own way come back unseen."""
    for owner, names in METHODS:
        module = inspect.getsource(inspect.getmodule(owner))
        overridden = ("_save_trial", "_get_num_brackets", "_get_size", "_try_run_and_update_trial", "_try_build")
        for name in set(names) & set(overridden):
            assert f"self.{name}(" in module, f"{VERSION}: nothing in {owner.__module__} calls {name} any more"


def test_an_oracle_has_the_state_that_we_name(tmp_path):
    class Oracle(internals.OpenOracle, keras_tuner.oracles.RandomSearchOracle):
        written = ()

        def draw(self):
            return {"x": 0.1 * self.next_seed()}

        def write_trial(self, trial):
            self.written += (self.trial_path(trial),)

    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = Oracle(objective=keras_tuner.Objective("loss", "min"), max_trials=2, hyperparameters=space, seed=3)
    oracle.verbose = 0
    oracle._set_project_dir(str(tmp_path), "search")
    trial = oracle.create_trial("worker")
    assert trial.hyperparameters.values == {"x": pytest.approx(0.3)}, f"{VERSION}: values are drawn another way"
    assert oracle.is_tried(trial.hyperparameters.values) and not oracle.is_tried({"x": 0.9})
    assert oracle.written and set(oracle.written) == {str(tmp_path / f"search/trial_{trial.trial_id}/trial.json")}
    assert oracle.path == f"{oracle.folder}/oracle.json" and oracle.to_repeat == []
    assert oracle.next_seed() == 4, f"{VERSION}: the seed's state is kept elsewhere"


def test_a_worker_asks_over_its_stub():
    asked = []

    class Stub:
        def GetSpace(self, request, **_):
            asked.append(request)
            return type("Response", (), {"hyperparameters": keras_tuner.HyperParameters().to_proto()})()

    worker = internals.WorkerOracle(None, Stub(), "name")
    worker.get_space()
    assert len(asked) == 1 and worker.tuner_id == "name", f"{VERSION}: workers ask their chief another way"
