"""Trainings that are interrupted in the middle of an epoch; the epochs of `trainee` have 10 steps."""

import io
import json
import os
import random
import re
import shutil
import signal
import time
import types

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from processes import Fork
from training import trainee
from training.trainee import EPOCHS, STEPS, batches, build, fit

from asc_tf.atomic import files
from asc_tf.errors import AscError
from asc_tf.training import checkpoints
from asc_tf.training import fit as module
from asc_tf.training.checkpoints import EpochCheckpoints, Progress
from asc_tf.training.fit import resumable_fit


def interrupt(monkeypatch, model, folder, saves, lost=0, **arguments):
    """Train until so many checkpoints are kept and `lost` more batches are trained. Returns the checkpoint's name."""
    kept, save = [], EpochCheckpoints.save

    def saving(self, progress):
        if len(kept) < saves:
            save(self, progress)
        kept.append(progress.name)
        if len(kept) == saves + lost:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(EpochCheckpoints, "save", saving)
        fit(model, folder, **arguments)
    (newest,) = names(folder)
    assert newest == kept[saves - 1]
    return newest


def names(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The folder of a training with a checkpoint of three steps of its second epoch. Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, build(), folder, 13)
    return folder


def state(model):
    """Everything that training changes: weights, optimizer, random generators."""
    generators = [layer._random_generator._generator for layer in model.layers if hasattr(layer, "_random_generator")]
    assert generators
    return [
        variable.numpy() for variable in (*model.weights, *model.optimizer.variables, *(g.state for g in generators))
    ]


def assert_same(arrays, others):
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """(history, state, folder) of a training that nobody disturbs."""
    folder = tmp_path_factory.mktemp("unbroken")
    model = build()
    return fit(model, folder, save_seconds=1e9), state(model), folder


def assert_goes_on_like(unbroken, folder):
    """From the newest checkpoint on, and to the same end."""
    history, expected, undisturbed = unbroken
    epochs, step = ([int(n) for n in re.findall(r"\d+", names(folder)[-1])] + [0])[:2]
    model, lines = build(), []
    assert fit(model, folder, lines.append) == history
    assert lines[0] == (
        f"going on in epoch {epochs + 1} after step {step} of 10" if step else f"going on after epoch {epochs}"
    )
    assert len(lines) == 1 + EPOCHS - epochs
    assert_same(state(model), expected)
    assert_same(*(keras.models.load_model(place / "best.keras").get_weights() for place in (folder, undisturbed)))
    assert names(folder) == ["epoch-0003"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "saves, lost, name",
    [
        (1, 0, "epoch-0000-step-000001"),
        (9, 0, "epoch-0000-step-000009"),
        (10, 3, "epoch-0001"),
        (14, 4, "epoch-0001-step-000004"),
        (29, 0, "epoch-0002-step-000009"),
    ],
)
def test_a_resumed_epoch_ends_like_an_unbroken_one(monkeypatch, unbroken, tmp_path, saves, lost, name):
    assert interrupt(monkeypatch, build(), tmp_path, saves, lost) == name
    assert_goes_on_like(unbroken, tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The clips of every batch of a training that nobody disturbs."""
    clips = []
    fit(build(clips.append), tmp_path_factory.mktemp("whole"), save_seconds=1e9)
    assert len(clips) == EPOCHS * STEPS and sorted(sum(clips, [])[: trainee.CLIPS]) == list(range(trainee.CLIPS))
    return clips


@pytest.mark.slow
@pytest.mark.parametrize("saves, lost", [(4, 0), (23, 5)])
def test_no_clip_is_trained_on_twice_and_none_is_left_out(monkeypatch, whole, tmp_path, saves, lost):
    before, after = [], []
    interrupt(monkeypatch, build(before.append), tmp_path, saves, lost)
    assert len(before) == saves + lost
    fit(build(after.append), tmp_path)
    assert before[:saves] + after == whole


def clocked(monkeypatch, model, seconds_a_step=10):
    """Let the clock of `fit` go by the batches that the model has been trained on in this process."""
    begun = []

    def monotonic():
        step = int(model.optimizer.iterations)
        begun.append(step)
        return float(seconds_a_step * (step - begun[0]))

    monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=monotonic))
    return model


def test_a_checkpoint_comes_as_often_as_asked(monkeypatch, tmp_path):
    kept, save = [], EpochCheckpoints.save
    monkeypatch.setattr(
        EpochCheckpoints, "save", lambda self, progress: (kept.append(progress.name), save(self, progress))
    )
    fit(clocked(monkeypatch, build()), tmp_path / "a", save_seconds=35)
    of_epochs = [[f"epoch-{e:04d}-step-000004", f"epoch-{e:04d}-step-000008", f"epoch-{e + 1:04d}"] for e in range(3)]
    assert kept == sum(of_epochs, [])
    kept.clear()
    fit(clocked(monkeypatch, build()), tmp_path / "b", save_seconds=float("inf"))
    assert kept == ["epoch-0001", "epoch-0002", "epoch-0003"]


@pytest.mark.slow
def test_reported_lines_cover_the_whole_epoch(monkeypatch, tmp_path):
    whole, part = [], []
    fit(clocked(monkeypatch, build()), tmp_path / "a", whole.append)
    assert "100.0 s, 3:20 left" in whole[0]
    interrupt(monkeypatch, clocked(monkeypatch, build()), tmp_path / "b", 13, 2)
    fit(clocked(monkeypatch, build()), tmp_path / "b", part.append)
    assert part == ["going on in epoch 2 after step 3 of 10", *whole[1:]]


@pytest.mark.slow
def test_progress_bar_begins_where_training_goes_on(monkeypatch, interrupted, tmp_path):
    bars = []

    class Bar(module.tqdm):
        def __init__(self, **settings):
            on_screen = settings["disable"] is None
            super().__init__(**{**settings, "disable": not on_screen, "file": io.StringIO()})
            if on_screen:
                bars.append((settings["desc"], self, self.n))

    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(module, "tqdm", Bar)
    fit(build(), tmp_path)
    assert [(desc, begin, bar.n, bar.total) for desc, bar, begin in bars] == [
        ("epoch 2/3", 3, 10, 10),
        ("epoch 3/3", 0, 10, 10),
    ]


def test_checkpoints_sort_by_age():
    ages = [
        Progress([{}] * epochs, step).name
        for epochs, step in ((0, 7), (6, 999), (7, 0), (7, 9), (7, 10), (7, 120), (8, 0))
    ]
    assert ages[2] == "epoch-0007" and ages[5] == "epoch-0007-step-000120" and ages == sorted(ages)


@pytest.mark.slow
def test_killed_while_a_checkpoint_is_written_the_former_one_is_used(interrupted, unbroken, tmp_path):
    (name,) = names(shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True))
    half = tmp_path / "checkpoints" / ".part-00000000-1-0-epoch-0001"  # of a process elsewhere, a long time ago
    half.mkdir()
    (half / "state.index").write_bytes(b"half of it")
    os.utime(half, (0, 0))
    files._swept.clear()  # as another process begins
    assert names(tmp_path) == [half.name, name]
    assert_goes_on_like(unbroken, tmp_path)


@pytest.mark.slow
def test_a_checkpoint_appears_whole_or_not_at_all(monkeypatch, interrupted, unbroken, tmp_path):
    (name,) = names(shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True))
    written, os_replace = [], os.replace

    def stop(part, final):
        written.extend(path.name for path in part.iterdir())
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoints.os, "replace", lambda a, b: stop(a, b) if a.is_dir() else os_replace(a, b))
        fit(build(), tmp_path)
    assert len(written) == 4 and names(tmp_path) == [name]
    assert_goes_on_like(unbroken, tmp_path)


@pytest.mark.slow
def test_killed_before_the_former_checkpoint_is_deleted_the_newer_one_is_used(monkeypatch, unbroken, tmp_path):
    for saves, name in ((10, "epoch-0001"), (2, "epoch-0001-step-000002"), (3, "epoch-0001-step-000005")):
        assert interrupt(monkeypatch, build(), tmp_path, saves) == name
        shutil.copytree(tmp_path / "checkpoints" / name, tmp_path / "former" / name)
    shutil.copytree(tmp_path / "former", tmp_path / "checkpoints", dirs_exist_ok=True)
    assert len(names(tmp_path)) == 3
    assert_goes_on_like(unbroken, tmp_path)


@pytest.mark.slow
def test_checkpoint_of_whole_epochs_as_it_was_before(unbroken, tmp_path):
    """epoch-0002 with history.json, from when nothing was kept within an epoch."""
    with pytest.raises(KeyboardInterrupt):
        fit(build(), tmp_path, interrupting_after_epoch(2), save_seconds=float("inf"))
    folder = tmp_path / "checkpoints" / "epoch-0002"
    history = json.loads((folder / "progress.json").read_text())["history"]
    (folder / "progress.json").unlink()
    (folder / "SHA256SUMS").unlink()
    (folder / "history.json").write_text(json.dumps(history))
    assert_goes_on_like(unbroken, tmp_path)


def interrupting_after_epoch(epoch):
    def report(line):
        if line.startswith(f"epoch {epoch}/"):
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize(
    "file, content",
    [("state.index", b"nothing"), ("state.data-00000-of-00001", b""), ("progress.json", b'{"history": ['),
     ("progress.json", b"{}"), ("progress.json", b"[]"), ("progress.json", b'{"history": [7], "step": 1}'),
     ("progress.json", b'{"history": [], "step": "1"}'), ("progress.json", None)],
)  # fmt: skip
def test_damaged_checkpoint_is_named(interrupted, tmp_path, file, content):
    (name,) = names(shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True))
    path = tmp_path / "checkpoints" / name / file
    assert path.is_file()
    path.unlink() if content is None else path.write_bytes(content)
    for with_sums in (True, False):  # older ones have none
        if not with_sums:
            path.with_name("SHA256SUMS").unlink()
        with pytest.raises(AscError, match=f"{name}: cannot be read .*; delete the folder"):
            fit(build(), tmp_path)


def test_a_byte_that_changed_in_a_checkpoint_is_noticed(interrupted, monkeypatch, tmp_path):
    """In the weights as in the progress; and so are files of another state beside them."""
    (name,) = names(shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True))
    generator, model = random.Random(0), build()
    folder = tmp_path / "checkpoints" / name
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for _ in range(0 if path.name == "SHA256SUMS" else 25):
            place = generator.randrange(len(content))
            byte = bytes([content[place] ^ 1 << generator.randrange(8)])
            path.write_bytes(content[:place] + byte + content[place + 1 :])
            with pytest.raises(AscError, match=rf"{path.name}: is damaged or was changed"):
                EpochCheckpoints(folder.parent, model).restore()
        path.write_bytes(content)
    EpochCheckpoints(folder.parent, model).restore()
    former = tmp_path / "former"
    interrupt(monkeypatch, build(), former, 3)
    (other,) = (former / "checkpoints").iterdir()
    shutil.copy(other / "progress.json", folder)
    with pytest.raises(AscError, match="progress.json: is damaged or was changed"):
        EpochCheckpoints(folder.parent, model).restore()


def test_other_epochs_than_those_of_the_checkpoint(interrupted, tmp_path):
    (name,) = names(shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True))
    with pytest.raises(AscError, match=f"{name}: is from epochs of 10 steps, not 3; give the same"):
        resumable_fit(build(), batches, 3, EPOCHS, tmp_path / "checkpoints")


def test_ruined_weights_are_not_kept(tmp_path):
    def poisoned(start_step):
        return batches(start_step).map(lambda x, y: (x * float("nan"), y)) if start_step else batches(0)

    with pytest.raises(KeyboardInterrupt):
        fit(build(), tmp_path, interrupting_after_epoch(1))
    with pytest.raises(AscError, match="diverged in epoch 2"):
        fit(build(), tmp_path, batches=poisoned)
    assert names(tmp_path) == ["epoch-0001"]


def test_checkpoint_that_cannot_be_written(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(AscError, match="epoch-0000-step-000001: cannot be written"):
        fit(build(), tmp_path)


def test_optimizer_is_spread_over_the_replicas_of_the_model(tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = build()
    EpochCheckpoints(tmp_path, model)
    assert {type(variable) for variable in model.optimizer.variables} == {type(model.trainable_variables[0])}


def start(folder, *arguments):
    folder.mkdir(exist_ok=True)
    return Fork(trainee.train, folder, *arguments)


def end(process, folder):
    """Lines that a training prints and the state it ends with."""
    status, said = process.finish()
    assert status == 0, said
    with np.load(folder / "weights.npz") as weights:
        return said.splitlines(), [weights[name] for name in weights.files]


def kill_at(folder, name):
    """Train, and kill the process as soon as a checkpoint of this age has appeared; it would never end by itself."""
    process = start(folder, 0, EPOCHS * STEPS - 1)
    while process.runs() and max((path.name for path in folder.glob("checkpoints/epoch-*")), default="") < name:
        time.sleep(0.002)
    status, said = process.kill()
    assert status == -signal.SIGKILL, said


@pytest.mark.slow
def test_a_process_killed_within_epochs_again_and_again(tmp_path):
    undisturbed = start(tmp_path / "a", 1e9)
    for name in ("epoch-0000-step-000002", "epoch-0001-step-000004", "epoch-0002-step-000003"):
        kill_at(tmp_path / "b", name)
        assert max(names(tmp_path / "b")) >= name
    assert not (tmp_path / "b" / "weights.npz").exists()
    lines, weights = end(start(tmp_path / "b", 0), tmp_path / "b")
    assert lines[0].startswith("going on in epoch 3 after step ") and lines[1].startswith("epoch 3/3") and not lines[2:]
    _, expected = end(undisturbed, tmp_path / "a")
    assert_same(weights, expected)
    histories = [
        json.loads((tmp_path / run / "checkpoints" / "epoch-0003" / "progress.json").read_text()) for run in "ab"
    ]
    assert histories[0] == histories[1]
