"""asc-tf ensemble: a run of several runs."""

import json
import shutil

import numpy as np
import pytest

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.training.fit import save_model

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def runs(smallest_run, tmp_path_factory):
    """`smallest_run` and one of other weights."""
    other = shutil.copytree(smallest_run, tmp_path_factory.mktemp("other") / "run")
    model = load_model(other)
    generator = np.random.default_rng(0)
    model.set_weights([w + generator.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    save_model(model, other / "last.keras")
    (other / "predictions.csv").unlink()
    return smallest_run, other


@pytest.fixture(scope="module")
def joined(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("ensemble") / "run"
    assert main(["ensemble", *map(str, runs), "--out", str(out)]) == 0
    return out


def test_its_probabilities_are_the_mean_of_its_members(joined, runs):
    found, *members = (stages.predict_test(run).filter(like="p(") for run in (joined, *runs))
    np.testing.assert_allclose(found, (members[0] + members[1]) / 2, atol=1e-6)
    assert np.abs(members[0] - members[1]).to_numpy().max() > 0.01


@pytest.mark.slow
def test_it_is_counted_and_exported_as_any_run(joined, runs, tmp_path):
    account, part = stages.account_of(joined), stages.account_of(runs[0])
    assert account.operations("network").macs == 2 * part.operations("network").macs
    path, parameters, agreement = stages.export(joined, tmp_path / "model.tflite")
    assert parameters == 2 * sum(np.prod(w.shape) for w in load_model(runs[0]).trainable_weights)
    assert path.is_file() and agreement.difference < 1e-4


def test_again_it_is_left_alone(joined, runs):
    before = (joined / "last.keras").stat().st_mtime_ns
    stages.join_runs(runs, joined)
    assert (joined / "last.keras").stat().st_mtime_ns == before
    with pytest.raises(AscError, match="is an ensemble of other runs or settings; expected another --out"):
        stages.join_runs(runs, joined, "logits")


def test_a_device_is_left_out_where_all_members_leave_it_out(runs, joined, tmp_path):
    members = []
    for number, devices in enumerate((["b", "s1"], ["s1"])):
        members.append(shutil.copytree(runs[0], tmp_path / str(number)))
        config = json.loads((members[-1] / "config.json").read_text())
        config["data"]["leave_out"] = devices
        (members[-1] / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
        (members[-1] / "config.json").write_text(json.dumps(config))
    stages.join_runs(members, tmp_path / "both")
    assert read_run(tmp_path / "both")[0].data.leave_out == ("s1",)
    assert read_run(joined)[0].data.leave_out is None


def test_what_an_ensemble_cannot_do_is_said(joined):
    with pytest.raises(AscError, match="is an ensemble, and those classify whole clips"):
        stages.evaluate(joined, seconds=0.5)
    with pytest.raises(AscError, match=r"was made from another run \(ensemble.json\)"):
        stages.evaluate_seeds(joined, 2)
    with pytest.raises(AscError, match=r"\(ensemble.json\); leave devices out of that one"):
        stages.evaluate_left_out_devices(joined)
    with pytest.raises(AscError, match="is an ensemble; expected one of its members"):
        stages.finetune(joined, joined.parent / "tuned")


def test_mistakes_are_one_sentence_and_leave_nothing(runs, tmp_path, capsys):
    other = shutil.copytree(runs[1], tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["frontend"]["hop_ms"] += 1
    (other / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
    (other / "config.json").write_text(json.dumps(config))
    for members, sentence in (
        ([runs[0]], "RUN: 1 is given; expected 2 or more for an ensemble"),
        ([runs[0], other], f"{other}: has another frontend than {runs[0]}"),
        ([runs[0], tmp_path / "nowhere"], "no such file; expected a run folder"),
    ):
        assert main(["ensemble", *map(str, members), "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err.strip()
        assert sentence in error and "\n" not in error
        assert not (tmp_path / "out").exists()
