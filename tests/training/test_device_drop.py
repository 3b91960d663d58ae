"""Device-aware data-random-drop: the rate against numpy, what batches hold, and the log."""

import numpy as np
import pandas as pd
import pytest
import tf_keras as keras

from asc_tf.data.loader import training_batches
from asc_tf.training.device_drop import DeviceRandomDrop, DropRateLog, drop_rate

CLIPS, BATCH, STEPS = 60, 12, 40
DEVICE = np.arange(CLIPS) % 3 != 0  # two thirds are of device a


def batches(drop, start_step=0, augment=None, seed=5):
    """Features [clips, 2, 1] that are the clip's number."""
    features = np.broadcast_to(np.arange(CLIPS, dtype=np.float32)[:, None, None], (CLIPS, 2, 1))
    labels = (np.arange(CLIPS) % 2).astype(np.int32)
    return training_batches(features, labels, 2, BATCH, seed, augment, start_step, select=drop)


def clips_of(data, count):
    return [batch[:, 0, 0, 0].astype(int).tolist() for batch, _ in data.take(count).as_numpy_iterator()]


@pytest.mark.parametrize(("steps", "max_rate"), [(2, 0.5), (50, 0.9), (1001, 0.99), (10, 0.0)])
def test_rate_is_the_sigmoid_stretched_from_zero_to_the_maximum(steps, max_rate):
    def logistic(x):
        return 1 / (1 + np.exp(-x))

    for step in range(steps):
        x = 12 * step / (steps - 1) - 6
        expected = max_rate * (logistic(x) - logistic(-6)) / (logistic(6) - logistic(-6))
        assert drop_rate(step, steps, max_rate) == pytest.approx(expected, abs=1e-12)
    rates = drop_rate(np.arange(steps), steps, max_rate)
    assert rates[0] == 0 and rates[-1] == pytest.approx(max_rate) == drop_rate(10 * steps, steps, max_rate)
    assert (np.diff(rates) >= 0).all()


def test_rate_is_half_the_maximum_in_the_middle_and_nearly_flat_at_both_ends():
    rates = drop_rate(np.arange(1001), 1001, 0.8)
    assert rates[500] == pytest.approx(0.4)
    assert rates[100] < 0.02 * 0.8 and rates[900] > 0.98 * 0.8
    assert np.diff(rates).argmax() in (499, 500)


def test_one_step_drops_nothing():
    assert drop_rate(0, 1, 0.9) == 0


def test_batches_lose_clips_of_the_device_alone_and_at_the_rate():
    drop = DeviceRandomDrop(DEVICE, STEPS, 0.9)
    whole, treated = (clips_of(batches(select), STEPS) for select in (None, drop))
    dropped, offered = np.zeros(STEPS), np.zeros(STEPS)
    for step, (all_clips, kept) in enumerate(zip(whole, treated, strict=True)):
        others = [clip for clip in all_clips if not DEVICE[clip]]
        assert [clip for clip in kept if not DEVICE[clip]] == others, "the others all stay"
        assert kept == [clip for clip in all_clips if clip in kept], "in their order"
        dropped[step], offered[step] = len(all_clips) - len(kept), len(all_clips) - len(others)
    assert dropped[0] == 0
    expected = sum(offered * [drop.rate(step) for step in range(STEPS)])
    assert dropped.sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert dropped[-8:].sum() > 0.75 * offered[-8:].sum()


def test_a_batch_depends_on_seed_and_step_alone():
    def noisy(features, labels, seed):
        return features, labels

    drop = DeviceRandomDrop(DEVICE, STEPS, 0.9)
    whole = clips_of(batches(drop), STEPS)
    for start in (1, 17, STEPS - 1):
        assert clips_of(batches(drop, start, noisy), STEPS - start) == whole[start:]
    assert clips_of(batches(drop, seed=6), STEPS) != whole


def test_dropped_clips_are_gone_before_the_augmentation():
    def mean_of_batch(features, labels, seed):
        return features * 0 + features[:1], labels

    drop = DeviceRandomDrop(np.full(CLIPS, True), 1, 1.0)
    drop.steps, drop.rate = 1, lambda step: 1.0
    (kept,) = clips_of(batches(drop, augment=mean_of_batch), 1)
    assert kept == clips_of(batches(None), 1)[0][:1], "a batch is never empty"


def test_replicas_drop_at_the_rate_of_the_common_step():
    steps = []

    def select(step, rows, seed):
        steps.append((int(step), tuple(map(int, seed))))
        return np.full(len(rows), True)

    class Context:
        num_replicas_in_sync, num_input_pipelines, input_pipeline_id = 2, 1, 0

    data = training_batches(
        np.zeros((8, 2, 1), np.float32), np.zeros(8, np.int32), 2, 4, context=Context, select=select
    )
    list(data.take(4).as_numpy_iterator())
    assert sorted(steps)[:4] == [(0, (0, 0)), (0, (0, 1)), (1, (0, 2)), (1, (0, 3))]


@pytest.mark.parametrize("max_rate", [-0.1, 1.1])
def test_rate_out_of_range(max_rate):
    with pytest.raises(ValueError, match="max_rate is"):
        DeviceRandomDrop(DEVICE, STEPS, max_rate)


def train(drop, path, steps, before=0):
    model = keras.Sequential([keras.Input((2, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(1e-6), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.optimizer.iterations.assign(before)
    model.fit(batches(drop, before), steps_per_epoch=steps, callbacks=[DropRateLog(drop, path)], verbose=0)


def test_the_log_has_each_step_once_also_when_some_are_trained_again(tmp_path):
    drop, path = DeviceRandomDrop(DEVICE, STEPS, 0.9), tmp_path / "drop_rates.csv"
    train(drop, path, 15)
    with path.open("a") as file:
        file.write("15,0.4")  # cut short by a kill
    train(drop, path, STEPS - 11, before=11)
    log = pd.read_csv(path)
    assert log.step.tolist() == list(range(STEPS))
    np.testing.assert_allclose(log.drop_rate, drop_rate(np.arange(STEPS), STEPS, 0.9), atol=1e-7)
