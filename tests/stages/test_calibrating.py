"""asc-tf calibrate: a run with probabilities that mean what they say."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from scipy.special import softmax

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.models.scaled_logits import scale_logits
from asc_tf.stages import calibrating
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of
from asc_tf.training.fit import save_model

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def sure(smallest_run, tmp_path_factory):
    """`smallest_run`, ten times as sure as it should be."""
    run = shutil.copytree(smallest_run, tmp_path_factory.mktemp("sure") / "run")
    model = load_model(run)
    scale_logits(model, np.full(10, 10.0), np.zeros(10), run)
    save_model(model, run / f"{read_run(run)[0].train.select}.keras")
    (run / "predictions.csv").unlink()
    return run


@pytest.fixture(scope="module")
def calibrated(sure, tmp_path_factory):
    out = tmp_path_factory.mktemp("calibrated") / "run"
    assert main(["calibrate", str(sure), "--out", str(out)]) == 0
    return out


def test_it_is_as_sure_as_it_should_be_and_answers_as_before(sure, calibrated):
    result = json.loads((calibrated / "temperature.json").read_text())
    assert result["temperature"] > 1 and result["clips"] > 0
    assert result["errors"]["after"]["log_loss"] < result["errors"]["before"]["log_loss"]
    before, after = (stages.predict_test(run) for run in (sure, calibrated))
    assert (before.predicted == after.predicted).all()
    scaled = np.log(before.filter(like="p(")) / result["temperature"]
    np.testing.assert_allclose(after.filter(like="p("), softmax(scaled, axis=1), atol=1e-3)


def test_every_file_of_it_is_calibrated_and_has_its_threshold(calibrated, tmp_path):
    from asc_tf.runtime import Classifier

    path, _, agreement = stages.export(calibrated, tmp_path / "model.tflite")
    assert agreement.difference < 1e-4
    assert (
        Classifier(path).uncertain_below == json.loads((calibrated / "temperature.json").read_text())["uncertain_below"]
    )


def test_again_it_is_left_alone(sure, smallest_run, calibrated):
    before = (calibrated / "last.keras").stat().st_mtime_ns
    assert stages.calibrate(sure, calibrated, pytest.fail).ece.notna().all()
    assert (calibrated / "last.keras").stat().st_mtime_ns == before
    with pytest.raises(AscError, match="is a calibration of another run or by other networks; expected another --out"):
        stages.calibrate(smallest_run, calibrated)


def test_a_device_is_heard_by_the_network_that_never_heard_it(sure, smallest_run, tmp_path):
    run = shutil.copytree(sure, tmp_path / "run")
    device = stages.predict_test(run).device[0]
    shutil.copytree(smallest_run, run / "leave-device-out" / device)
    said = []
    found = stages.calibrate(run, tmp_path / "out", said.append)
    assert "each heard by a network that never heard its device" in said[-1]
    result = json.loads((tmp_path / "out" / "temperature.json").read_text())
    clips = Experiment.again(*read_run(run)).clips
    assert 0 < result["clips"] < (clips.split == "train").sum()
    assert found.loc["before"].log_loss < 5  # smallest_run's, not that of the run that is too sure


def test_versions_of_a_clip_are_its_own_and_augmented(smallest_run, tmp_path):
    config, dataset = read_run(smallest_run)
    versions = {}
    for roll_seconds in (0.0, 0.2):
        settings = config.with_settings([f"augment.roll_seconds={roll_seconds}"])
        held_out = Experiment.again(settings, dataset).of_validation()
        held_out = dataclasses.replace(held_out, features=features_of(held_out, tmp_path, pytest.fail))
        versions[roll_seconds] = calibrating._versions(load_model(smallest_run), held_out)
    same, rolled = versions.values()
    np.testing.assert_allclose(same, np.stack([same[0]] * 4), atol=1e-5)
    assert not np.allclose(same[0], same[0][::-1], atol=1e-2)  # clips do differ
    np.testing.assert_array_equal(rolled[0], same[0])
    assert len({each.tobytes() for each in rolled}) == 4


def test_runs_that_cannot_be_calibrated_are_refused(smallest_run, tmp_path):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    config, _ = read_run(run)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, validation_fraction=0.0))
    (run / "SHA256SUMS").unlink(missing_ok=True)
    (run / "config.json").write_text(config.to_json())
    with pytest.raises(AscError, match="has no validation clips .data.validation_fraction is 0."):
        stages.calibrate(run, tmp_path / "out")
    both = tmp_path / "both"
    assert main(["ensemble", str(smallest_run), str(smallest_run), "--out", str(both)]) == 0
    with pytest.raises(AscError, match="and cannot be scaled; expected a classifier with a bias"):
        stages.calibrate(both, tmp_path / "out")
    assert not (tmp_path / "out" / "last.keras").exists()
