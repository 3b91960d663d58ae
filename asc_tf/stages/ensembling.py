"""Ensembles of runs."""

import dataclasses
from pathlib import Path

from asc_tf.atomic import exclusive
from asc_tf.experiment.run_folder import claim, load_model, read_run, write_settings
from asc_tf.models.ensemble import ensemble
from asc_tf.stages.members import check_members
from asc_tf.training.fit import save_model


def join_runs(runs, out, average="probabilities"):
    """Make one run folder from several trained runs: its network averages theirs.

    The ensemble is evaluated, counted, exported and used as a teacher like any other run. ensemble.json names the
    members.

    Args:
        runs: folders of trained runs on one data set, with the same frontend.
        out: run folder of the ensemble.
        average: "probabilities" or "logits".

    Raises:
        AscError: fewer than two runs, an untrained run, a run of other data, scenes, clips or features, or `out` holds
            something else or is being written.
    """
    with exclusive(out):
        _join([Path(run) for run in runs], Path(out), average)


def _join(runs, out, average):
    check_members(runs, out)
    (config, dataset), *others = (read_run(run) for run in runs)
    models = [load_model(run) for run in runs]
    asked = {"runs": [str(run.resolve()) for run in runs], "average": average}
    claim(out / "ensemble.json", asked, "ensemble", "an ensemble of other runs or settings")
    if (out / "last.keras").is_file():
        return
    digests = {dataset.clips_sha256, *(theirs.clips_sha256 for _, theirs in others)}
    devices = tuple(sorted({*dataset.seen_devices, *(name for _, theirs in others for name in theirs.seen_devices)}))
    members = [config, *(other for other, _ in others)]
    splits = {each.data.split for each in members}
    split = splits.pop() if len(splits) == 1 else "full" if "full" in splits else "official"
    left_out = set.intersection(*(set(each.data.leave_out or ()) for each in members))
    config = dataclasses.replace(
        config,
        recipe="",
        train=dataclasses.replace(config.train, select="last"),
        data=dataclasses.replace(config.data, split=split, leave_out=tuple(sorted(left_out)) or None),
    )
    # Members of other seeds held out other clips: one digest cannot stand for them.
    digest = dataset.clips_sha256 if len(digests) == 1 else ""
    write_settings(out, config, dataclasses.replace(dataset, seen_devices=devices, clips_sha256=digest))
    save_model(ensemble(models, average), out / "last.keras")
