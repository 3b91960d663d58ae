"""KerasTuner's oracles within a budget, kept on disk so that a kill loses no trial and repeats none."""

import contextlib
import json
import math
import os
import shutil

import keras_tuner
from keras_tuner import oracles as stock

from asc_tf.atomic import write_text
from asc_tf.errors import AscError
from asc_tf.internals.keras_tuner import OpenHyperband, OpenOracle, Trial, TrialStatus

ENDED = ("COMPLETED", "FAILED")
MAX_DRAWS = 20_000
PROJECT = "trials"
"""folder of a search's oracle and trials"""


class _Oracle(OpenOracle):
    """The common part of the three oracles; a base before KerasTuner's class.

    KerasTuner 1.4.8 writes its files in place and in parts: after a kill in between, a begun trial is in no list, and a
    finished one is run once more. Here a file appears whole, and `reload` repairs states between two files.
    """

    fits = staticmethod(lambda values: True)
    """whether values are within the budget"""
    stopped = False
    """whether a worker has been told that no trial is left"""

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and not self.stopped:
            self.stopped = True
            self.save()
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial):
        """End a trial once, whichever worker reports it: a worker thought lost may have ended it as well."""
        if trial.trial_id not in self.end_order:
            super().end_trial(trial)
        if trial.trial_id in self.to_repeat:
            self.to_repeat.remove(trial.trial_id)
        held = [name for name, ongoing in self.ongoing_trials.items() if ongoing.trial_id == trial.trial_id]
        for tuner_id in held:
            del self.ongoing_trials[tuner_id]
        self.save()

    @keras_tuner.synchronized
    def release(self, lost):
        """Give the trials of lost workers to others; `lost` is a set of tuner ids."""
        for tuner_id in lost:
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is not None:
                self.to_repeat.append(trial.trial_id)
        self.tuner_ids -= lost
        if lost:
            self.save()

    @property
    def finished(self):
        """Whether no trial is left to begin, to end or to repeat."""
        return self.stopped and not self.ongoing_trials and not self.to_repeat

    def save(self):
        write_text(self.path, json.dumps(self.get_state()))

    def write_trial(self, trial):
        write_text(self.trial_path(trial), json.dumps(trial.get_state()))

    def reload(self):
        """Read the saved state. Trials in progress stay with their worker, which may be alive.

        Raises:
            AscError: a saved file is damaged, or of another search.
        """
        path = self.path
        with _reading(path):
            state = self._known(_read_object(path))
            for name in os.listdir(self.folder):
                self._reload_trial(os.path.join(self.folder, name, "trial.json"), name, state["start_order"])
            self._take_over(state)

    def _reload_trial(self, path, folder, known):
        if not os.path.isfile(path):
            return
        with _reading(path):
            trial = Trial.from_state(self._known(_read_object(path)))
            if folder != f"trial_{trial.trial_id}":
                raise ValueError(f"it is of trial {trial.trial_id}")
        if trial.trial_id in known:
            self.trials[trial.trial_id] = trial
        else:  # no worker was told of it
            shutil.rmtree(os.path.dirname(path))

    def _known(self, state):
        """A saved state, checked to be of this search: KerasTuner makes objects of the classes that a state names."""
        own = json.loads(json.dumps(self.hyperparameters.get_config()["space"]))
        if _without_defaults(state["hyperparameters"]["space"]) != _without_defaults(own):
            raise ValueError("it is of another space")
        return state

    def _take_over(self, state):
        ended = [name for name in state["start_order"] if self.trials[name].status in ENDED]
        state["end_order"] += [name for name in ended if name not in state["end_order"]]
        for tuner_id, name in [*state["ongoing_trials"].items()]:
            if name in ended:
                del state["ongoing_trials"][tuner_id]
        held = {*ended, *state["ongoing_trials"].values()}
        state["retry_queue"] = [name for name in state["start_order"] if name not in held]
        self.set_state(state)

    def get_state(self):
        return {**super().get_state(), "stopped": self.stopped}

    def set_state(self, state):
        super().set_state(state)
        self.stopped = state["stopped"]
        self.tuner_ids = {*self.ongoing_trials}

    def draw(self):
        """Untried values within the budget; None if there seem to be none."""
        drawn = (self._drawn() for _ in range(MAX_DRAWS))
        return next((values for values in drawn if self.fits(values) and not self.is_tried(values)), None)

    def _drawn(self):
        values = {}
        for hp in self.hyperparameters.space:
            values[hp.name] = hp.random_sample(self.next_seed())
        return values


class RandomOracle(_Oracle, stock.RandomSearchOracle):
    """Random values."""


class BayesianOracle(_Oracle, stock.BayesianOptimizationOracle):
    """Bayesian optimization by a Gaussian process.

    The process proposes values in the whole space. If a proposal is over the budget, the nearest structure within it
    replaces its structure, by the distance in KerasTuner's unit cube; tried values are replaced at random.
    """

    def populate_space(self, trial_id):
        response = super().populate_space(trial_id)
        values = response.get("values")
        if values is not None and not self.fits(values):
            response["values"] = values = self._nearest(values)
        if values is None or self.is_tried(values):
            values = self.draw()
            return {"status": TrialStatus.STOPPED if values is None else TrialStatus.RUNNING, "values": values}
        return response

    def _nearest(self, values):
        def distance(other):
            steps = (hp.value_to_prob(values[hp.name]) - hp.value_to_prob(other[hp.name]) for hp in space)
            return sum(step**2 for step in steps)

        space = self.hyperparameters.space
        drawn = (self._drawn() for _ in range(MAX_DRAWS // 10))
        return min((other for other in drawn if self.fits(other)), key=distance, default=None)


class HyperbandOracle(_Oracle, OpenHyperband):
    """Hyperband with a given number of networks; KerasTuner derives this number from the number of epochs.

    The brackets share the networks in KerasTuner's proportions, at least one each; with fewer networks than brackets,
    those that begin with the fewest epochs are left out. No bracket begins with less than epochs / factor²: during the
    warm-up all networks are alike.

    Args:
        trials: networks to begin in all brackets together.
    """

    def __init__(self, trials, **arguments):
        self._trials = trials
        super().__init__(**arguments)
        brackets = range(self.bracket_count())
        stock_sizes = [super(HyperbandOracle, self).bracket_size(bracket, 0) for bracket in brackets]
        shares = [(trials - len(brackets)) * size / sum(stock_sizes) for size in stock_sizes]
        self._sizes = [1 + math.floor(share) for share in shares]
        by_rest = sorted(brackets, key=lambda bracket: math.floor(shares[bracket]) - shares[bracket])
        for bracket in by_rest[: trials - sum(self._sizes)]:
            self._sizes[bracket] += 1

    def bracket_count(self):
        return min(super().bracket_count(), self._trials, 3)

    def bracket_size(self, bracket, round_):
        return math.ceil(self._sizes[bracket] / self.factor**round_)


def has_ended(directory):
    """Whether the search in this folder has no trial left, by the saved state of its oracle.

    Raises:
        AscError: the saved state is damaged.
    """
    path = os.path.join(directory, PROJECT, "oracle.json")
    if not os.path.isfile(path):
        return False
    with _reading(path):
        state = _read_object(path)
        return state["stopped"] and not state["ongoing_trials"] and not state["retry_queue"]


@contextlib.contextmanager
def _reading(path):
    """Turn any error from a damaged file inside the block into an AscError that names the file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise AscError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); give another --out to search anew"
        ) from error


def _read_object(path):
    with open(path, "rb") as file:
        return json.load(file)


def make_oracle(algorithm, objective, direction, trials, epochs, space, fits, seed):
    """The oracle of an algorithm.

    Args:
        algorithm: "random", "bayesian" or "hyperband".
        objective: name of the metric, and `direction`, "min" or "max".
        trials: networks to try.
        epochs: of the longest trial of Hyperband.
        space: a `Space`.
        fits: function from values {name: value} to whether they are within the budget.
        seed: of the values.
    """
    common = {
        "objective": keras_tuner.Objective(objective, direction),
        "hyperparameters": space.hyperparameters(),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": seed + 1,  # 0 would mean no seed
        "max_consecutive_failed_trials": math.inf,
    }
    if algorithm == "hyperband":
        oracle = HyperbandOracle(trials, max_epochs=epochs, **common)
    else:
        oracle = {"random": RandomOracle, "bayesian": BayesianOracle}[algorithm](max_trials=trials, **common)
    oracle.verbose = 0
    oracle.fits = fits
    return oracle


def _without_defaults(space):
    """A space without the values that KerasTuner fills in when a trial comes back from a worker."""
    return [{**one, "config": {**one["config"], "default": None}} for one in space]
