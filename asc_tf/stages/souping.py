"""Soups: runs averaged weight by weight."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.atomic import exclusive
from asc_tf.data.loader import reading
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import claim, load_model, read_run, write_csv, write_settings
from asc_tf.experiment.trained_on import check_trained
from asc_tf.models.soup import soup
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.fitting import batches_of, validation_log_loss
from asc_tf.stages.members import check_soup
from asc_tf.training.fit import save_model
from asc_tf.training.moving_statistics import measure
from asc_tf.training.seeding import set_seed

CHOICES = ("uniform", "greedy")


def mix_runs(runs, out, choose="uniform", report=print):
    """Make one run folder from several trained runs: its weights are the mean of theirs.

    Batch statistics are measured anew on the training clips, augmented as in training. "greedy" begins with the run of
    the lowest validation log loss and takes each further one, from the best on, that lowers the soup's. The test part
    is never read. soup.json names the runs, members.csv their validation results and which were taken.

    Args:
        runs: folders of trained runs with the same network, frontend and clips, such as fine-tunings of one run.
        out: run folder of the soup.
        choose: "uniform" (all of them) or "greedy".
        report: called with lines for the user.

    Raises:
        AscError: fewer than two runs, an untrained or compressed run, another network, frontend or other clips, no
            validation clips for "greedy", or `out` holds something else or is being written.

    Reference: Wortsman et al., "Model soups", ICML 2022, recipe 1. Difference: log loss in place of accuracy.
    """
    with exclusive(out):
        _mix([Path(run) for run in runs], Path(out), choose, report)


def _mix(runs, out, choose, report):
    check_soup(runs, out, choose)
    config, dataset = read_run(runs[0])
    models = [load_model(run) for run in runs]
    try:
        soup(models)
    except ValueError as error:
        raise AscError(f"{', '.join(map(str, runs))}: {error}") from None
    asked = {"runs": [str(run.resolve()) for run in runs], "choose": choose}
    claim(out / "soup.json", asked, "soup", "a soup of other runs or another choice")
    if (out / "last.keras").is_file():
        return
    experiment = Experiment.again(config, dataset)
    check_trained(runs[0], dataset, experiment.trained)
    experiment = experiment.with_features(out, report)
    with reading(experiment.features):
        mixed, members = _chosen(experiment, runs, models, choose, report)
    if members is not None:
        write_csv(out / "members.csv", members)
    config = dataclasses.replace(config, recipe="", train=dataclasses.replace(config.train, select="last"))
    write_settings(out, config, dataset, experiment.trained)
    save_model(mixed, out / "last.keras")


def _chosen(experiment, runs, models, choose, report):
    """(the soup, frame of its members or None without validation clips)."""
    if not len(experiment.validation):
        return _measured(experiment, models), None
    alone = [validation_log_loss(experiment, model) for model in models]
    order, taken, best, rows = np.argsort(alone, kind="stable"), [], math.inf, {}
    mixed = _measured(experiment, models) if choose == "uniform" else None
    for number in order if choose == "greedy" else ():
        candidates = [*taken, number]
        tried = _measured(experiment, [models[each] for each in candidates])
        rows[number] = validation_log_loss(experiment, tried)
        if rows[number] < best:
            mixed, taken, best = tried, candidates, rows[number]
        report(
            f"{runs[number]}: log loss {alone[number]:.4f} alone, {rows[number]:.4f} in the soup, on validation clips"
        )
    if choose == "uniform":
        taken = list(order)
        rows = dict.fromkeys(order, validation_log_loss(experiment, mixed))
    members = pd.DataFrame({
        "run": [str(runs[number]) for number in order],
        "log_loss": [alone[number] for number in order],
        "soup_log_loss": [rows[number] for number in order],
        "taken": [number in taken for number in order],
    })  # fmt: skip
    report(f"the soup of {len(taken)} of {len(runs)} runs: log loss {rows[taken[-1]]:.4f} on validation clips")
    return mixed, members


def _measured(experiment, models):
    """The soup of networks with statistics of one pass over the training clips; a single network stays as it is."""
    if len(models) == 1:
        return models[0]
    set_seed(experiment.config.seed, experiment.config.deterministic)
    mixed = soup(models)
    steps = math.ceil(len(experiment.training) / experiment.config.train.batch_size)
    measure(mixed, batches_of(experiment)().take(steps))
    return mixed
