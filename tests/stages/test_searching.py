import json

import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.errors import AscError
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.settings import Config
from asc_tf.stages import search_trials, searching, training_data

pytestmark = pytest.mark.usefixtures("eager")

SEARCH = stages.Search("lambda,width=4:8", "bytes=4500", "accuracy", "hyperband", trials=2, epochs=2)


@pytest.fixture(scope="module")
def config(tiny_config):
    return tiny_config.with_settings(["data.validation_fraction=0.4"])


@pytest.fixture(scope="module")
def searched(synthetic_root, config, tmp_path_factory):
    """(folder, text at the end, lines) of a search that was stopped once, in the middle of its second trial."""
    out, lines = tmp_path_factory.mktemp("search") / "out", []

    def stop_in_second(line):
        lines.append(line)
        if line.startswith("epoch") and sum(line.startswith("trial_") for line in lines) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.search(synthetic_root, out, config, SEARCH, report=stop_in_second)
    return out, stages.search(synthetic_root, out, config, SEARCH, report=lines.append), lines


@pytest.mark.slow
def test_a_stopped_search_goes_on_in_the_middle_of_its_trial(searched):
    _, _, lines = searched
    begun = [line for line in lines if line.startswith("trial_")]
    assert len(begun) == 3 and begun[1] == begun[2]  # the second trial twice
    assert any(line.startswith("going on after epoch 1") for line in lines)


@pytest.mark.slow
def test_every_trial_is_in_the_table_once_and_within_the_budget(searched):
    out, text, _ = searched
    trials = pd.read_csv(out / "trials.csv", dtype={"trial": str})
    assert trials.trial.is_unique and (trials.status == "COMPLETED").all()
    assert (trials.bytes <= 4500).all() and set(trials.epochs) == {2}
    assert trials[["accuracy", "log_loss", "worst_device", "macs", "parameters"]].notna().all().all()
    assert all(f"{name} " in text for name in trials.trial)


@pytest.mark.slow
def test_the_winner_is_a_recipe_that_trains_in_full(searched, config):
    out, text, _ = searched
    trials = pd.read_csv(out / "trials.csv")
    best = trials.loc[trials.accuracy.idxmax()]
    found = find_recipe(str(out / "winner.json")).config
    assert found.model.width == best.width and found.model.lambda_ == pytest.approx(best["lambda"], rel=1e-3)
    assert found.train == config.train and found.data.validation_fraction == 0
    assert f"--recipe {out / 'winner.json'} --run {out / 'winner'}" in text
    assert (out / "pareto.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_the_test_part_is_not_read(searched, synthetic_root, config):
    out, _, _ = searched
    assert not list(out.rglob("predictions.csv")) and not list(out.rglob("metrics.json"))
    result = json.loads(next(out.glob("trials/trial_*/result.json")).read_text())
    validation = training_data.split_clips(synthetic_root, config)[2]
    right = result["accuracy"] * len(validation) / 100
    assert right == pytest.approx(round(right))  # a share of the validation clips


@pytest.mark.slow
def test_the_same_call_again_trains_nothing(searched, synthetic_root, config, monkeypatch):
    out, text, _ = searched
    monkeypatch.setattr(search_trials, "fit_network", None)
    assert stages.search(synthetic_root, out, config, SEARCH, report=lambda line: None) == text


@pytest.mark.slow
def test_another_search_in_the_folder_is_refused(searched, synthetic_root, config):
    out, _, _ = searched
    other = stages.Search(SEARCH.space, SEARCH.budget, "log_loss", trials=2, epochs=2)
    with pytest.raises(AscError, match=r"search.json: is another search"):
        stages.search(synthetic_root, out, config, other)


def test_epochs_shorten_the_warm_up_alike(synthetic_root):
    config = Config().with_settings(["train.epochs=100", "train.warmup_epochs=5"])
    shorter = searching._trial_config(synthetic_root, config, stages.Search("width", "2021", epochs=20))
    assert (shorter.train.epochs, shorter.train.warmup_epochs) == (20, 1)
    one = searching._trial_config(synthetic_root, config, stages.Search("width", "2021", epochs=1))
    assert (one.train.epochs, one.train.warmup_epochs) == (1, 0)


def test_unseen_gap_leaves_a_device_out(synthetic_root, config):
    found = searching._trial_config(synthetic_root, config, stages.Search("width", "2021", "unseen_gap"))
    assert found.data.leave_out == ("s3",)
    named = config.with_settings(["data.leave_out=b"])
    found = searching._trial_config(synthetic_root, named, stages.Search("width", "2021", "unseen_gap"))
    assert found.data.leave_out == ("b",)


@pytest.mark.slow
def test_unseen_devices_are_validated_on(synthetic_root, config, tmp_path):
    config = config.with_settings(["train.epochs=1", "train.warmup_epochs=0"])
    what = stages.Search("lambda", "2021", "unseen_gap", "random", trials=1)
    stages.search(synthetic_root, tmp_path / "out", config, what, report=lambda line: None)
    (trial,) = pd.read_csv(tmp_path / "out" / "trials.csv").to_dict("records")
    assert trial["unseen_gap"] == pytest.approx(trial["unseen_gap"])  # a number
    assert json.loads((tmp_path / "out" / "winner.json").read_text())["data"]["leave_out"] is None


@pytest.mark.parametrize(
    ("settings", "search", "message"),
    [
        (["data.validation_fraction=0"], {}, "setting data.validation_fraction is 0; expected more for a search"),
        (["data.split=full"], {}, "setting data.split is full; expected another, since a search must not"),
        ([], {"trials": 0}, "--trials 0: expected a value from 1 to 100,000"),
        (["frontend.compression=pcen"], {"budget": "ram=9KB"}, "setting frontend.compression is pcen; expected log"),
        ([], {"budget": "bytes=9"}, "--budget bytes=9: no network of --space width=4:8 is within it"),
    ],
)
def test_what_cannot_be_searched_is_refused(synthetic_root, config, tmp_path, settings, search, message):
    what = stages.Search(**{"space": "width=4:8", "budget": "2021", **search})
    with pytest.raises(AscError) as caught:
        stages.search(synthetic_root, tmp_path / "out", config.with_settings(settings), what, report=lambda line: None)
    assert message in str(caught.value) and not (tmp_path / "out").exists()
