"""asc-tf soup: a run of averaged weights."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.training.fit import save_model

pytestmark = pytest.mark.usefixtures("eager")


def changed(run, folder, amount):
    """A copy of a run with other kernels."""
    shutil.copytree(run, folder)
    model, generator = load_model(folder), np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign_add(amount * generator.standard_normal(weight.shape))
    save_model(model, folder / "last.keras")
    (folder / "predictions.csv").unlink()
    return folder


@pytest.fixture(scope="module")
def runs(smallest_run, tmp_path_factory):
    """`smallest_run`, one near it, and one that is ruined."""
    folder = tmp_path_factory.mktemp("members")
    return smallest_run, changed(smallest_run, folder / "near", 1e-3), changed(smallest_run, folder / "far", 3.0)


@pytest.fixture(scope="module")
def mixed(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("soup") / "run"
    assert main(["soup", *map(str, runs), "--out", str(out), "--choose", "greedy"]) == 0
    return out


def test_greedy_leaves_out_what_does_not_help_and_says_so(mixed, runs):
    members = pd.read_csv(mixed / "members.csv")
    assert sorted(members.run) == sorted(map(str, runs)) and members.log_loss.is_monotonic_increasing
    taken = members[members.taken]
    assert str(runs[2]) not in set(taken.run) and members.taken.iloc[0]
    assert taken.soup_log_loss.is_monotonic_decreasing
    config, dataset = read_run(mixed)
    assert dataset == read_run(runs[0])[1] and config.train.select == "last"


def test_it_is_a_run_that_is_evaluated_and_not_mixed_again(mixed, runs, capsys):
    assert len(stages.predict_test(mixed)) == 90
    before = (mixed / "last.keras").stat().st_mtime_ns
    stages.mix_runs(runs, mixed, "greedy")
    assert (mixed / "last.keras").stat().st_mtime_ns == before
    assert main(["soup", *map(str, runs[:2]), "--out", str(mixed), "--choose", "greedy"]) == 1
    assert "is a soup of other runs or another choice; expected another --out" in capsys.readouterr().err


@pytest.mark.slow
def test_uniform_takes_all_and_measures_the_statistics_anew(runs, tmp_path):
    stages.mix_runs(runs[:2], tmp_path / "run", report=lambda line: None)
    assert pd.read_csv(tmp_path / "run" / "members.csv").taken.all()
    mixed, *models = (load_model(run) for run in (tmp_path / "run", *runs[:2]))
    for found, one, two in zip(mixed.weights, *(model.weights for model in models), strict=True):
        middle = (one.numpy() + two.numpy()) / 2
        if "moving_" in found.name:
            assert np.abs(found.numpy() - middle).max() > 1e-6, found.name
        else:
            np.testing.assert_allclose(found.numpy(), middle, atol=1e-6)


def test_mistakes_are_one_sentence_and_leave_nothing(runs, tmp_path, capsys):
    def copy(name, section, **settings):
        other = shutil.copytree(runs[0], tmp_path / name)
        config = json.loads((other / "config.json").read_text())
        config[section] |= settings
        (other / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
        (other / "config.json").write_text(json.dumps(config))
        return other

    wide, other = copy("wide", "model", width=16), copy("other", "data", validation_fraction=0.2)
    whole = [copy(name, "data", validation_fraction=0.0) for name in ("one", "two")]
    small = shutil.copytree(runs[0], tmp_path / "small")
    (small / "compression.json").write_text("{}")
    for members, choose, sentence in (
        ([runs[0]], "uniform", "RUN: 1 is given; expected 2 or more for a soup"),
        ([runs[0], wide], "uniform", f"{wide}: has other settings than {runs[0]} (model.width: 8 and 16)"),
        ([runs[0], other], "uniform", "(data.validation_fraction: 0.1 and 0.2); expected the same"),
        (whole, "greedy", "has no validation clips (data.validation_fraction=0); expected --choose uniform"),
        ([runs[0], small], "uniform", f"{small}: is compressed, and averaging would undo that"),
        ([runs[0], tmp_path / "nowhere"], "uniform", "no such file; expected a run folder"),
    ):
        assert main(["soup", *map(str, members), "--out", str(tmp_path / "out"), "--choose", choose]) == 1
        error = capsys.readouterr().err.strip()
        assert sentence in error and "\n" not in error
        assert not (tmp_path / "out").exists()
