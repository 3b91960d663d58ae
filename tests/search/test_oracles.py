import collections
import itertools
import json
from pathlib import Path

import pytest

from asc_tf.errors import DivergedError
from asc_tf.experiment.settings import Config
from asc_tf.search import oracles
from asc_tf.search.oracles import make_oracle
from asc_tf.search.space import Space
from asc_tf.search.tuner import RunTuner


class Killed(BaseException):
    pass


class FakeTraining:
    """Scores values at once, and counts how often each trial was trained to its end."""

    def __init__(self):
        self.trained = collections.Counter()
        self.values = {}

    def __call__(self, values, folder, before):
        folder = Path(folder)
        kept = folder / "result.json"
        if not kept.is_file():
            assert before is None or (Path(before) / "result.json").is_file()
            self.trained[folder.name] += 1
            self.values[folder.name] = dict(values)
            kept.write_text(json.dumps({"accuracy": 100 - (values["lambda"] - 0.3) ** 2 - 0.01 * values["width"]}))
        return {"accuracy": json.loads(kept.read_text())["accuracy"]}


def tuner_of(folder, algorithm, train, trials=5, fits=lambda values: values["width"] <= 10):
    space = Space("lambda,width=4:40", Config())
    oracle = make_oracle(algorithm, "accuracy", "max", trials, 9, space, fits, seed=0)
    return RunTuner(oracle, folder, train)


def check_complete(oracle, train, trials):
    begun = [name for name in oracle.start_order if "tuner/trial_id" not in oracle.trials[name].hyperparameters.values]
    assert len(begun) == trials
    assert sorted(oracle.end_order) == sorted(oracle.start_order) == sorted(oracle.trials)
    assert {trial.status for trial in oracle.trials.values()} == {"COMPLETED"}
    assert train.trained == dict.fromkeys((f"trial_{name}" for name in oracle.trials), 1)


@pytest.mark.parametrize(("algorithm", "trials"), [("random", 12), ("bayesian", 7), ("hyperband", 12)])
def test_only_networks_within_the_budget_are_trained(tmp_path, algorithm, trials):
    """The first six of a Bayesian search are drawn at random."""
    train = FakeTraining()
    tuner = tuner_of(tmp_path, algorithm, train, trials=trials)
    tuner.search()
    check_complete(tuner.oracle, train, trials)
    assert {values["width"] for values in train.values.values()} <= {4, 6, 8, 10}


@pytest.mark.parametrize("algorithm", ["random", "hyperband"])
def test_a_kill_before_any_write_loses_no_trial_and_repeats_none(tmp_path, monkeypatch, algorithm):
    write = oracles.write_text
    for number in itertools.count():
        left, train, folder = itertools.count(), FakeTraining(), tmp_path / str(number)

        def fatal(path, text, left=left, number=number):
            if next(left) == number:
                raise Killed
            write(path, text)

        monkeypatch.setattr(oracles, "write_text", fatal)
        killed = False
        try:
            tuner_of(folder, algorithm, train).search()
        except Killed:
            killed = True
        monkeypatch.setattr(oracles, "write_text", write)
        tuner = tuner_of(folder, algorithm, train)
        tuner.search()
        check_complete(tuner.oracle, train, 5)
        if not killed:
            break
    assert number > 15


def test_hyperband_goes_on_with_the_best_and_shares_its_networks(tmp_path):
    train = FakeTraining()
    tuner = tuner_of(tmp_path, "hyperband", train, trials=12)
    tuner.search()
    trials = tuner.oracle.trials
    rounds = collections.Counter(trial.hyperparameters.values["tuner/epochs"] for trial in trials.values())
    assert rounds == {1: 6, 3: 4 + 2, 9: 2 + 2 + 1}  # brackets of 6, 4 and 2; a third of each round goes on
    for trial in trials.values():
        before = trial.hyperparameters.values.get("tuner/trial_id")
        if before:
            values = [t.hyperparameters.values for t in (trial, trials[before])]
            assert values[0]["tuner/initial_epoch"] == values[1]["tuner/epochs"]
            assert values[0]["lambda"] == values[1]["lambda"]


@pytest.mark.parametrize("trials", [1, 2, 7, 30])
def test_hyperband_begins_as_many_networks_as_asked(tmp_path, trials):
    train = FakeTraining()
    tuner = tuner_of(tmp_path, "hyperband", train, trials=trials)
    tuner.search()
    check_complete(tuner.oracle, train, trials)


def test_a_trial_that_diverges_fails_and_the_search_goes_on(tmp_path):
    class Diverging(FakeTraining):
        def __call__(self, values, folder, before):
            if Path(folder).name == "trial_1":
                raise DivergedError("training diverged in epoch 2")
            return super().__call__(values, folder, before)

    tuner = tuner_of(tmp_path, "random", Diverging())
    tuner.search()
    assert [tuner.oracle.trials[name].status for name in tuner.oracle.start_order].count("COMPLETED") == 4
    assert tuner.oracle.trials["1"].message == "training diverged in epoch 2"


def test_another_error_ends_the_search_which_then_goes_on(tmp_path):
    class Broken(FakeTraining):
        def __call__(self, values, folder, before):
            if Path(folder).name == "trial_2":
                raise OSError("disk full")
            return super().__call__(values, folder, before)

    with pytest.raises(OSError, match="disk full"):
        tuner_of(tmp_path, "random", Broken()).search()
    train = FakeTraining()
    tuner = tuner_of(tmp_path, "random", train)
    tuner.search()
    assert sorted(train.trained) == ["trial_2", "trial_3", "trial_4"]


def test_a_space_that_is_used_up_ends_the_search(tmp_path):
    space = Space("width=4:40", Config())
    oracle = make_oracle("random", "accuracy", "max", 12, 9, space, lambda values: values["width"] < 10, seed=0)
    train = FakeTraining()
    RunTuner(oracle, tmp_path, lambda values, *folders: train({**values, "lambda": 0.1}, *folders)).search()
    assert sorted(values["width"] for values in train.values.values()) == [4, 6, 8]


def test_a_trial_of_a_worker_taken_for_lost_ends_once(tmp_path):
    tuner = tuner_of(tmp_path, "random", FakeTraining(), trials=1)
    oracle = tuner.oracle
    first = oracle.create_trial("slow")
    oracle.release({"slow"})
    second = oracle.create_trial("quick")
    assert second.trial_id == first.trial_id and {*oracle.ongoing_trials} == {"quick"}
    oracle.update_trial("0", {"accuracy": 50.0})
    for _ in range(2):
        first.status = "COMPLETED"
        oracle.end_trial(first)
    assert oracle.end_order == ["0"] and not oracle.ongoing_trials and not oracle.finished
    assert oracle.create_trial("quick").status == oracle.create_trial("slow").status == "STOPPED"
    assert oracle.finished


def test_hyperband_begins_with_a_ninth_of_the_epochs_at_least(tmp_path):
    space = Space("lambda", Config())
    oracle = make_oracle("hyperband", "accuracy", "max", 12, 100, space, lambda values: True, seed=0)
    RunTuner(oracle, tmp_path, None)
    epochs = [oracle.create_trial(f"worker{number}").hyperparameters.values["tuner/epochs"] for number in range(12)]
    assert min(epochs) == 12 and max(epochs) == 100
