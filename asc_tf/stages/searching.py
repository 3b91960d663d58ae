"""Search for the best network under a budget."""

import contextlib
import dataclasses
import json
import math
import time
from pathlib import Path

import grpc
import numpy as np
import pandas as pd

from asc_tf.atomic import exclusive, write_text
from asc_tf.data.clips import devices_of
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import claim, write_csv
from asc_tf.search.budget import parse_budget
from asc_tf.search.oracles import PROJECT, make_oracle
from asc_tf.search.report import OBJECTIVES, on_chip, pareto_front, trials_table, winner, write_pareto_picture
from asc_tf.search.service import Chief, serve
from asc_tf.search.space import Space
from asc_tf.search.structures import Structures
from asc_tf.search.tuner import RunTuner
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.preconditions import check_search
from asc_tf.stages.search_trials import Trials, read_result
from asc_tf.stages.training_data import split_clips


def search(root, out, config, settings, chief=None, worker=None, report=print):
    """Train networks of a space, each within a budget, and find the best on validation clips; `asc-tf search`.

    The test part is not read. A trial is a folder, OUT/trials/trial_ID, with its checkpoints and result.json; a second
    call continues within the interrupted trial. At the end OUT has trials.csv, pareto.png and winner.json, a recipe of
    the winner.

    Hyperband continues a network where its earlier trial ended; its learning rates are those of `epochs` epochs from
    the start, so that the last round is a training like any other.

    Args:
        root: folder of the data set.
        out: folder of the search; workers on several machines must share it.
        config: a `Config`; the search varies some of its settings.
        settings: a `Search`.
        chief: HOST:PORT; only hand out trials to workers, and tabulate them.
        worker: HOST:PORT of the chief whose trials this worker trains.
        report: called with lines for the user.

    Returns:
        The table of trials and the command that trains the winner, as text; None for a worker.

    Raises:
        AscError: settings that do not fit together, no network within the budget, no trial that has ended well; a
            folder with another search, damage, or another chief or searcher at work; or an error of the training.
    """
    out = Path(out)
    asked = config
    check_search(root, None if worker else out, config, settings)
    config, budget = _trial_config(root, config, settings), parse_budget(settings.budget)
    space = Space(settings.space, config)
    chosen = Experiment.begin(root, config)
    contact = Chief(worker, out, report) if worker else None  # the chief answers as soon as OUT exists
    if contact and contact.gone:
        report("the search has ended")
        return None
    structures = Structures(space, chosen.dataset, budget, out / "structures.json", report)
    what = {"data": chosen.dataset.root, **dataclasses.asdict(settings), "config": json.loads(config.to_json())}
    claim(out / "search.json", what, "search", "another search, or one of other settings")
    structures.keep()
    trials = min(settings.trials, structures.count())
    if trials < settings.trials:
        report(f"--trials {settings.trials}: there are only {trials} networks within the budget")
    direction, _ = OBJECTIVES[settings.objective]
    oracle = make_oracle(
        settings.algorithm, settings.objective, direction, trials, config.train.epochs, space, structures.fits,
        config.seed,
    )  # fmt: skip
    run = Trials(root, out, space, chosen, structures, settings.objective, report)
    with contextlib.nullcontext() if worker else exclusive(out / PROJECT):
        tuner = RunTuner(oracle, out, run, contact)
        if chief:
            serve(oracle, chief, report)
        else:
            _work(tuner, run, worker, report)
        return None if worker else _conclude(root, out, space, asked, oracle, settings.objective)


def _work(tuner, run, worker, report):
    """Train trials until none is left."""
    start = time.monotonic()
    try:
        tuner.search()
    except grpc.RpcError as error:
        raise AscError(f"--worker {worker}: the chief no longer answers ({error.code().name})") from error
    if run.seconds:
        seconds = time.monotonic() - start
        report(f"{run.count} trials in {seconds:.0f} s, {100 * run.seconds / seconds:.1f} % of it training")


def _trial_config(root, config, settings):
    """The Config of the trials, before the space's settings."""
    if settings.objective == "unseen_gap" and not config.data.leave_out:
        device = devices_of(split_clips(root, config)[0].query("split == 'train'"))[-1]
        config = config.with_settings([f"data.leave_out={device}"])
    if settings.epochs is not None:
        train = config.train
        warmup = min(math.ceil(train.warmup_epochs * settings.epochs / train.epochs), settings.epochs - 1)
        config = config.with_settings([f"train.epochs={settings.epochs}", f"train.warmup_epochs={max(warmup, 0)}"])
    return config


def read_trials(out, space, oracle):
    """Frame of an oracle's trials in the order of their start: values, status, and the content of their result.json."""
    rows = []
    for name in oracle.start_order:
        trial = oracle.trials[name]
        values = trial.hyperparameters.values
        kept = Path(out) / PROJECT / f"trial_{name}" / "result.json"
        result = read_result(kept) if trial.status == "COMPLETED" else {"message": trial.message}
        searched = {d.name: values[d.name] for d in space.dimensions}
        rows.append({"trial": name, "from": values.get("tuner/trial_id"), "status": trial.status, **searched, **result})
    return pd.DataFrame(rows)


def _conclude(root, out, space, asked, oracle, objective):
    """Write trials.csv, pareto.png and winner.json; return the final text of the search."""
    trials = read_trials(out, space, oracle)
    write_csv(out / "trials.csv", trials)
    best = winner(trials, objective)
    if best is None:
        raise AscError(f"{out / 'trials.csv'}: no trial has ended well ({trials.message.dropna().iloc[0]})")
    write_pareto_picture(out / "pareto.png", trials, objective)
    settings = [d.setting(trials[d.name][best]) for d in space.dimensions]
    whole = ["data.validation_fraction=0"] if asked.train.select == "last" else []
    write_text(out / "winner.json", asked.with_settings([*settings, *whole]).to_json())
    ended = trials[trials.status == "COMPLETED"]
    lines = [trials_table(trials, objective), ""]
    for cost in ("bytes", "macs"):
        front = np.flatnonzero(pareto_front(ended[cost], ended[objective], OBJECTIVES[objective][0]))
        lines.append(f"not outdone in {objective} and {cost}: trials {', '.join(ended.trial.iloc[front])}")
    lines += [
        f"winner: trial {trials.trial[best]}, {' '.join(settings)}",
        *on_chip(trials.loc[best]),
        f"table: {out / 'trials.csv'}, picture: {out / 'pareto.png'}",
        f"to train it in full: asc-tf train --data {root} --recipe {out / 'winner.json'} --run {out / 'winner'}",
    ]
    return "\n".join(lines)
