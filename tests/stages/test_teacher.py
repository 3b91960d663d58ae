"""Distillation from settings: a teacher run, several, one's own kind, cached and online."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.data.cache import cached_features
from asc_tf.data.loader import training_batches
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.experiment.settings import Config
from asc_tf.experiment.teachers import teacher_config
from asc_tf.stages.training_data import split_clips

pytestmark = pytest.mark.usefixtures("eager")

SMALL = ["train.epochs=1", "train.warmup_epochs=0"]


def quiet(line):
    """In place of `print`."""


@pytest.fixture(scope="module")
def small(smallest_config):
    return smallest_config.with_settings(SMALL)


@pytest.fixture(scope="module")
def plain_weights(small, synthetic_root, tmp_path_factory):
    run = tmp_path_factory.mktemp("plain") / "run"
    stages.train(synthetic_root, small, run, report=quiet)
    return load_model(run).get_weights()


def differs(weights, others):
    return any(not np.allclose(one, other, atol=1e-5) for one, other in zip(weights, others, strict=True))


@pytest.mark.slow
def test_a_run_learns_from_two_others_with_cached_logits(small, synthetic_root, smallest_run, plain_weights, tmp_path):
    """And the cached logits are those of the averaged probabilities, for the clips that are trained on."""
    other = shutil.copytree(smallest_run, tmp_path / "other")
    config = small.with_settings([f"distillation.teacher={smallest_run},{other}", "distillation.logits=cached"])
    run = tmp_path / "run"
    assert len(stages.train(synthetic_root, config, run, report=quiet)) == 90
    assert differs(load_model(run).get_weights(), plain_weights)
    clips, training, validation = split_clips(synthetic_root, config)
    features = cached_features(synthetic_root, clips, build_frontend(config), 1.0)
    kept = np.load(run / "teacher_logits.npy")
    expected = load_model(smallest_run).predict(np.array(features[training], np.float32)[..., None], verbose=0)
    np.testing.assert_allclose(tf.nn.softmax(kept[training]), tf.nn.softmax(expected), atol=1e-4)
    assert not kept[validation].any()
    config_again, _ = read_run(run)
    assert config_again.distillation.teacher == (str(smallest_run), str(other))


@pytest.mark.slow
def test_a_run_learns_from_its_own_kind_first_trained(small, synthetic_root, plain_weights, tmp_path):
    run = tmp_path / "run"
    config = small.with_settings(["distillation.recipe=self", "distillation.weight=1"])
    stages.train(synthetic_root, config, run, report=quiet)
    teacher, _ = read_run(run / "teacher")
    assert teacher == small
    for one, other in zip(load_model(run / "teacher").get_weights(), plain_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert differs(load_model(run).get_weights(), plain_weights)


def test_a_teacher_of_another_recipe_has_the_students_data_seed_and_frontend(small):
    config = small.with_settings(["distillation.recipe=bc-resnet-asc-8-resnorm", "seed=3"])
    teacher = teacher_config(config)
    assert (teacher.model.width, teacher.train.epochs, teacher.seed) == (80, 100, 3)
    assert (teacher.frontend, teacher.data) == (config.frontend, config.data)
    assert teacher.distillation == Config().distillation
    with pytest.raises(AscError, match="no such recipe"):
        teacher_config(small.with_settings(["distillation.recipe=bc-resnet-9"]))


def test_mixup_mixes_a_teachers_probabilities_as_the_labels():
    """Labels as the teacher's probabilities must come out twice."""
    from asc_tf.augment import augment_batch

    def augment(features, labels, seed):
        return augment_batch(features, labels, seed, mixup_alpha=0.3)

    labels = np.arange(8) % 3
    data = training_batches(
        np.zeros((8, 4, 4), np.float32), labels, 3, 4, augment=augment, targets=np.eye(3)[labels] * 0.5
    )
    mixed = 0
    for _, both in data.take(6).as_numpy_iterator():
        assert both.shape == (4, 6)
        np.testing.assert_allclose(both[:, :3] * 0.5, both[:, 3:], atol=1e-6)
        mixed += np.any((both > 0) & (both < 0.5))
    assert mixed


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--teacher", "nowhere"], "nowhere/config.json: no such file; expected a run folder"),
        (["--set", "distillation.recipe=self", "distillation.teacher=x"], "expected one teacher"),
        (["--set", "distillation.weight=2"], "setting distillation.weight is 2.0; expected a value from 0 to 1"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(flags, sentence, synthetic_root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--data", str(synthetic_root), "--run", str(tmp_path / "run"), *flags]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and "\n" not in error
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_other_features_is_refused(small, synthetic_root, smallest_run, tmp_path):
    teacher = shutil.copytree(smallest_run, tmp_path / "teacher")
    values = json.loads((teacher / "config.json").read_text())
    values["frontend"]["hop_ms"] += 1
    (teacher / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
    (teacher / "config.json").write_text(json.dumps(values))
    with pytest.raises(AscError, match="has other scenes, clips or features than the run; expected a teacher"):
        stages.train(synthetic_root, small.with_settings([f"distillation.teacher={teacher}"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_has_heard_a_device_that_is_left_out_is_named(small, smallest_run, tmp_path):
    from asc_tf.stages.teacher import teacher_runs

    lines = []
    config = small.with_settings([f"distillation.teacher={smallest_run}", "data.leave_out=s1"])
    teacher_runs(config, tmp_path, read_run(smallest_run)[1], lines.append)
    assert lines == [f"{smallest_run}: the teacher has heard device s1, which its student leaves out (data.leave_out)"]
    own = teacher_config(small.with_settings(["distillation.recipe=self", "data.leave_out=s1"]))
    assert own.data.leave_out == ("s1",), "one that is trained first does not hear it"


def test_a_teacher_that_knows_the_test_part_is_named(small, synthetic_root, smallest_run, tmp_path):
    from asc_tf.stages.teacher import teacher_runs

    teacher, lines = shutil.copytree(smallest_run, tmp_path / "teacher"), []
    values = json.loads((teacher / "config.json").read_text())
    values["data"]["split"] = "full"
    (teacher / "SHA256SUMS").unlink(missing_ok=True)  # the change is meant
    (teacher / "config.json").write_text(json.dumps(values))
    config = small.with_settings([f"distillation.teacher={teacher}"])
    assert teacher_runs(config, tmp_path, read_run(smallest_run)[1], lines.append) == [teacher]
    assert "was trained on the test part too" in lines[0]
    assert isinstance(load_model(teacher), keras.Model)


@pytest.mark.slow
def test_a_run_learns_from_a_file_of_logits_averaged_with_a_run(small, synthetic_root, smallest_run, tmp_path):
    clips, training, _ = split_clips(synthetic_root, small)
    scenes, names = read_run(smallest_run)[1].scenes, clips.filename.iloc[training]
    logits = np.random.default_rng(0).normal(size=(len(training), len(scenes))).astype(np.float32)
    np.savez(tmp_path / "other.npz", filename=list(names), scenes=list(scenes), logits=logits)
    teachers = f"{smallest_run},{tmp_path / 'other.npz'}"
    config = small.with_settings(["distillation.logits=cached", f"distillation.teacher={teachers}"])
    stages.train(synthetic_root, config, tmp_path / "run", report=quiet)
    features = cached_features(synthetic_root, clips, build_frontend(config), 1.0)
    ours = load_model(smallest_run).predict(np.array(features[training], np.float32)[..., None], verbose=0)
    expected = (tf.nn.softmax(ours) + tf.nn.softmax(logits)) / 2
    kept = np.load(tmp_path / "run" / "teacher_logits.npy")
    np.testing.assert_allclose(tf.nn.softmax(kept[training]), expected, atol=1e-4)
