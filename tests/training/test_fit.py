import functools
import io
import json
import re

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from asc_tf.errors import AscError
from asc_tf.training.checkpoints import EpochCheckpoints
from asc_tf.training.fit import resumable_fit
from asc_tf.training.seeding import set_seed

STEPS = 4


def build(rate=0.05):
    """A small network with dropout, so that its random numbers matter."""
    set_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5)])
    model.add(keras.layers.Dense(2))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, 0.9), loss, metrics=["accuracy"])
    return model


def batches(start_step):
    def batch(step):
        x = tf.random.stateless_normal((8, 6), [1, step])
        return x, tf.one_hot(tf.cast(x[:, 0] > 0, tf.int32), 2)

    return tf.data.Dataset.range(start_step, 10**9).map(batch)


VALIDATION = batches(10**6).take(2)


def fit(model, folder, epochs, **arguments):
    return resumable_fit(model, batches, STEPS, epochs, folder / "checkpoints", report=lambda line: None, **arguments)


def test_resumed_training_equals_the_unbroken_one(tmp_path):
    unbroken = build()
    history = fit(unbroken, tmp_path / "a", 3, validation=VALIDATION)
    fit(build(), tmp_path / "b", 1, validation=VALIDATION)
    resumed = build()
    assert fit(resumed, tmp_path / "b", 3, validation=VALIDATION) == history
    for one, other in zip(unbroken.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_a_step_is_traced_once(tmp_path, epochs_before):
    """A deep network takes ten seconds and more each time."""
    fit(build(), tmp_path, epochs_before)
    model, traced = build(), []
    step = model.train_step

    def noted(data):
        traced.append(data)
        return step(data)

    model.train_step = noted
    fit(model, tmp_path, 2, validation=VALIDATION)
    assert len(traced) == 1 and [metric.name for metric in model.metrics] == ["loss", "accuracy"]


def test_dropout_draws_anew_after_resuming(tmp_path):
    """The random state comes from the checkpoint: the third epoch must not draw what the first one drew."""
    model = build()
    generator = model.layers[1]._random_generator._generator
    start = generator.state.numpy().copy()
    fit(model, tmp_path, 2)
    kept = generator.state.numpy().copy()
    resumed = build()
    EpochCheckpoints(tmp_path / "checkpoints", resumed).restore()
    assert (kept != start).any()
    np.testing.assert_array_equal(resumed.layers[1]._random_generator._generator.state.numpy(), kept)


def test_a_finished_training_is_left_alone(tmp_path):
    fit(build(), tmp_path, 2)
    model = build()
    history = fit(model, tmp_path, 2)
    assert len(history) == 2 and int(model.optimizer.iterations) == 2 * STEPS


def test_only_the_newest_checkpoint_stays_and_holds_the_history(tmp_path):
    history = fit(build(), tmp_path, 3)
    (folder,) = (tmp_path / "checkpoints").iterdir()
    assert folder.name == "epoch-0003"
    assert json.loads((folder / "progress.json").read_text())["history"] == history


def test_best_weights_are_those_of_the_lowest_validation_loss(tmp_path):
    model = build(rate=2.0)  # so large that the loss goes up and down
    history = fit(model, tmp_path, 4, validation=VALIDATION, best=tmp_path / "best.keras")
    losses = [logs["val_loss"] for logs in history]
    assert min(losses) < losses[-1]
    best = keras.models.load_model(tmp_path / "best.keras")
    assert best.evaluate(VALIDATION, verbose=0)[0] == pytest.approx(min(losses), rel=1e-5)


def test_best_is_not_overwritten_by_a_worse_epoch_after_resuming(tmp_path):
    best = tmp_path / "best.keras"
    losses = [logs["val_loss"] for logs in fit(build(rate=2.0), tmp_path, 4, validation=VALIDATION, best=best)]
    best.unlink()
    losses.append(fit(build(rate=2.0), tmp_path, 5, validation=VALIDATION, best=best)[-1]["val_loss"])
    assert losses[-1] > min(losses) and not best.exists()


def test_diverged_training_is_an_error_and_keeps_the_last_good_epoch(tmp_path):
    fit(build(), tmp_path, 1)

    def poisoned(start_step):
        return batches(start_step).map(lambda x, y: (x * float("nan"), y))

    with pytest.raises(AscError, match="diverged in epoch 2"):
        resumable_fit(build(), poisoned, STEPS, 3, tmp_path / "checkpoints", report=lambda line: None)
    assert [folder.name for folder in (tmp_path / "checkpoints").iterdir()] == ["epoch-0001"]


def test_damaged_checkpoint_is_named(tmp_path):
    fit(build(), tmp_path, 1)
    for file in (tmp_path / "checkpoints" / "epoch-0001").glob("state*"):
        file.write_bytes(b"nothing")
    with pytest.raises(AscError, match="epoch-0001: cannot be read"):
        fit(build(), tmp_path, 2)


class Screen(io.StringIO):
    """What a terminal is given, or with `tty` false a log."""

    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.mark.parametrize("tty", [True, False])
def test_a_terminal_shows_a_bar_an_epoch_and_a_log_a_line_an_epoch(tmp_path, monkeypatch, tty):
    monkeypatch.setattr("sys.stderr", screen := Screen(tty))
    monkeypatch.setattr("asc_tf.training.fit.tqdm", functools.partial(tqdm, mininterval=0))
    lines = []
    resumable_fit(build(), batches, STEPS, 1, tmp_path, VALIDATION, report=lines.append)
    assert [line.split()[:2] for line in lines] == [["epoch", "1/1"]]
    assert all(word in lines[0] for word in ("loss ", "accuracy ", "validation ", " s, ", " left"))
    if not tty:
        assert screen.getvalue() == ""
        return
    shown = screen.getvalue().split("\r")
    bar = r"epoch 1/1: +100%.*4/4 \[00:\d\d<00:00, .*batches.*, loss \d\.\d+  accuracy \d+\.\d %\]"
    assert any(re.match(bar, each) for each in shown), shown
