"""Checks whether several runs can become one, before TensorFlow is loaded: see `asc_tf.stages.preconditions`."""

from pathlib import Path

from asc_tf.errors import AscError
from asc_tf.experiment.device_networks import check_one_network
from asc_tf.experiment.run_folder import check_finished, check_free, read_run, same_data


def check_members(runs, out):
    """For `join_runs`: at least two trained runs of one data set, frontend and length of clips."""
    check_free(Path(out) / "ensemble.json", "ensemble")
    (config, dataset), *others = _read(runs, "an ensemble")
    for run, (other, theirs) in zip(runs[1:], others, strict=True):
        for what, one, two in (
            ("data set", dataset.root, theirs.root),
            ("scenes", dataset.scenes, theirs.scenes),
            ("length of clips", dataset.clip_seconds, theirs.clip_seconds),
            ("frontend", config.frontend, other.frontend),
        ):
            if one != two:
                raise AscError(f"{run}: has another {what} than {runs[0]}; expected the same")
    for run in runs:
        check_finished(run)


def check_soup(runs, out, choose):
    """For `mix_runs`: at least two trained runs of one network on the same clips, and validation clips to choose on."""
    check_free(Path(out) / "soup.json", "soup")
    (config, dataset), *others = _read(runs, "a soup")
    for run in runs:
        check_finished(run)
        if (Path(run) / "compression.json").is_file():
            raise AscError(f"{run}: is compressed, and averaging would undo that; expected uncompressed runs")
    if not dataset.root:
        raise AscError(f"{runs[0]}: was imported without a data set; expected one to measure batch statistics on")
    for run, (other, theirs) in zip(runs[1:], others, strict=True):
        differences = [line for line in config.differences(other) if line.startswith(("frontend.", "data.", "model."))]
        if differences:
            raise AscError(f"{run}: has other settings than {runs[0]} ({'; '.join(differences)}); expected the same")
        if not same_data(dataset, theirs):
            raise AscError(
                f"{run}: has other training or validation clips than {runs[0]}; expected the same data set and seed"
            )
    if choose == "greedy" and config.data.validation_fraction == 0:
        raise AscError(f"{runs[0]}: has no validation clips (data.validation_fraction=0); expected --choose uniform")


def _read(runs, what):
    if len(runs) < 2:
        raise AscError(f"RUN: {len(runs)} is given; expected 2 or more for {what}")
    for run in runs:
        check_one_network(run, f"expected runs of one network for {what}")
    return [read_run(run) for run in runs]
