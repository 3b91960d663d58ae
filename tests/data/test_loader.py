import time

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from processes import in_own_process

from asc_tf.augment import augment_batch
from asc_tf.data.loader import evaluation_batches, evaluation_steps, label_indices, mean_and_std, training_batches
from asc_tf.errors import AscError

CLIPS = 10
FEATURES = np.arange(CLIPS, dtype=np.float16)[:, None, None] * np.ones((1, 8, 6), np.float16)
LABELS = np.arange(CLIPS) % 3


def stream(batches, count):
    """The clips' numbers in the order in which `count` batches bring them."""
    return [[int(clip[0, 0, 0]) for clip in features.numpy()] for features, _ in batches.take(count)]


def test_every_clip_comes_once_an_epoch_and_no_batch_is_short():
    clips = np.concatenate(stream(training_batches(FEATURES, LABELS, 3, batch_size=4), 15))
    assert len(clips) == 60
    for epoch in clips.reshape(6, CLIPS):
        assert sorted(epoch) == list(range(CLIPS))
    assert len({tuple(epoch) for epoch in clips.reshape(6, CLIPS)}) > 1


def test_labels_belong_to_their_clips():
    for features, labels in training_batches(FEATURES, LABELS, 3, batch_size=4).take(8):
        numbers = features.numpy()[:, 0, 0, 0].astype(int)
        np.testing.assert_array_equal(labels.numpy(), np.eye(3)[LABELS[numbers]])
        assert features.shape == (4, 8, 6, 1) and features.dtype == tf.float32


def test_same_seed_same_order_other_seed_other_order():
    one, same, other = (stream(training_batches(FEATURES, LABELS, 3, 4, seed=seed), 5) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("start", [1, 7])
def test_a_stream_from_step_k_is_the_rest_of_the_whole_one(start):
    """Augmentation included: an interrupted run goes on with the batches it would have had."""

    def batches(start_step):
        def rolled(features, labels, seed):
            return augment_batch(features, labels, seed, roll_frames=2, mixup_alpha=0.3)

        return training_batches(FEATURES, LABELS, 3, 4, seed=5, augment=rolled, start_step=start_step)

    whole = list(batches(0).take(start + 4))[start:]
    for (features, labels), (rest_features, rest_labels) in zip(whole, batches(start).take(4), strict=True):
        np.testing.assert_array_equal(features, rest_features)
        np.testing.assert_array_equal(labels, rest_labels)


def test_evaluation_brings_each_clip_once_in_order():
    batches = list(evaluation_batches(FEATURES, LABELS, 3, batch_size=4))
    assert [len(features) for features, _ in batches] == [4, 4, 2]
    numbers = np.concatenate([features.numpy()[:, 0, 0, 0] for features, _ in batches])
    np.testing.assert_array_equal(numbers, range(CLIPS))
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), np.eye(3)[LABELS])


@pytest.mark.parametrize("batches", [training_batches, evaluation_batches])
def test_no_tuning_thread_holds_up_the_end_of_a_fit(batches):
    assert batches(FEATURES, LABELS, 3, 4).options().autotune.enabled is False


def test_labels_follow_the_given_order_of_scenes():
    clips = pd.DataFrame({"filename": ["x.wav", "y.wav"], "scene": ["tram", "bus"]})
    np.testing.assert_array_equal(label_indices(clips, ["tram", "park", "bus"]), [0, 2])


def test_an_unknown_scene_is_named_with_its_clip():
    clips = pd.DataFrame({"filename": ["x.wav", "y.wav"], "scene": ["tram", "bus"]})
    with pytest.raises(AscError, match="y.wav: scene 'bus' is unknown to the network; it knows park, tram"):
        label_indices(clips, ["park", "tram"])


def test_evaluation_of_chosen_rows():
    rows = [7, 0, 3]
    batches = list(evaluation_batches(FEATURES, LABELS, 3, batch_size=2, rows=rows))
    np.testing.assert_array_equal(np.concatenate([features.numpy()[:, 0, 0, 0] for features, _ in batches]), rows)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), np.eye(3)[LABELS[rows]])


def test_training_on_chosen_rows_brings_each_of_them_once_an_epoch():
    rows = np.array([8, 1, 2, 5, 9])
    clips = np.concatenate(stream(training_batches(FEATURES, LABELS, 3, batch_size=3, rows=rows), 10))
    for epoch in clips.reshape(6, 5):
        assert sorted(epoch) == sorted(rows)
    features, labels = next(iter(training_batches(FEATURES, LABELS, 3, batch_size=5, rows=rows)))
    np.testing.assert_array_equal(labels, np.eye(3)[LABELS[features.numpy()[:, 0, 0, 0].astype(int)]])


def test_a_batch_that_is_larger_than_the_data_set():
    clips = np.concatenate(stream(training_batches(FEATURES, LABELS, 3, batch_size=25), 2))
    for epoch in clips.reshape(5, CLIPS):
        assert sorted(epoch) == list(range(CLIPS))


def test_mean_and_std_of_the_chosen_rows():
    values = np.random.default_rng(0).normal(-5, 3, (11, 4, 6)).astype(np.float16)
    rows = np.array([0, 3, 4, 7, 10])
    mean, std = mean_and_std(values, rows, chunk=2)
    assert mean == pytest.approx(values[rows].astype(np.float64).mean())
    assert std == pytest.approx(values[rows].astype(np.float64).std())
    assert mean_and_std(values)[0] == pytest.approx(values.astype(np.float64).mean())


def test_mean_and_std_of_each_bin_for_itself():
    generator = np.random.default_rng(0)
    values = (generator.normal(size=(11, 4, 6)) * [[1], [2], [3], [0]] + [[-9], [0], [4], [7]]).astype(np.float16)
    rows = np.array([0, 3, 4, 7, 10])
    mean, std = mean_and_std(values, rows, chunk=2, by_bin=True)
    exact = values[rows].astype(np.float64)
    assert mean == pytest.approx(exact.mean(axis=(0, 2)))
    assert std == pytest.approx(exact.std(axis=(0, 2)), abs=1e-6) and std[3] == 1e-6
    assert np.mean(mean) == pytest.approx(mean_and_std(values, rows)[0])


class Uneven:
    """The features, but some rows take longer to read than others."""

    shape, dtype = FEATURES.shape, FEATURES.dtype

    def __len__(self):
        return CLIPS

    def __getitem__(self, index):
        time.sleep(0.005 * (index[0] % 3))
        return FEATURES[index]


@pytest.mark.parametrize("threads", [1, 8])
def test_the_number_of_threads_changes_no_batch(threads):
    def rolled(features, labels, seed):
        return augment_batch(features, labels, seed, roll_frames=2, mixup_alpha=0.3)

    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    batches = training_batches(Uneven(), LABELS, 3, 4, augment=rolled).with_options(options)
    expected = training_batches(FEATURES, LABELS, 3, 4, augment=rolled)
    for batch, other in zip(batches.take(25), expected.take(25), strict=True):
        for values, others in zip(batch, other, strict=True):
            np.testing.assert_array_equal(values, others)


# Several machines or replicas


@pytest.mark.parametrize("start_step", [0, 3])
@pytest.mark.parametrize(("pipelines", "replicas"), [(1, 1), (2, 2), (3, 3), (1, 2), (2, 4)])
def test_what_the_replicas_read_together_is_the_batch_of_a_single_process(pipelines, replicas, start_step):
    arguments = {"batch_size": 12, "seed": 4, "start_step": start_step}
    single = stream(training_batches(FEATURES, LABELS, 3, **arguments), 6)
    shares = []
    for number in range(pipelines):
        context = tf.distribute.InputContext(pipelines, number, replicas)
        batches = stream(training_batches(FEATURES, LABELS, 3, **arguments, context=context), 6 * replicas // pipelines)
        assert {len(batch) for batch in batches} == {12 // replicas}
        shares.append(np.reshape(batches, (6, -1)))
    np.testing.assert_array_equal(np.concatenate(shares, axis=1), single)


@pytest.mark.parametrize(("pipelines", "replicas"), [(1, 1), (2, 2), (3, 3), (1, 2), (2, 4), (1, 9)])
@pytest.mark.parametrize("size", [2, 3, 32])
def test_replicas_evaluate_each_clip_once_in_as_many_steps_and_no_empty_batch(pipelines, replicas, size):
    rows, clips = [7, 0, 3, 9, 1, 2, 5, 4, 6], []
    if len(rows) < replicas * evaluation_steps(len(rows), replicas, size):
        pytest.skip("fewer clips than batches")
    for number in range(pipelines):
        context = tf.distribute.InputContext(pipelines, number, replicas)
        batches = list(evaluation_batches(FEATURES, LABELS, 3, size, rows, context))
        assert len(batches) == evaluation_steps(len(rows), replicas, size) * replicas // pipelines
        assert all(0 < len(features) <= size for features, _ in batches)
        clips += [int(clip[0, 0, 0]) for features, _ in batches for clip in features]
    assert sorted(clips) == sorted(rows)


def test_no_seed_of_the_augmentation_comes_twice():
    def show(features, labels, seed):
        return tf.fill(tf.shape(features), tf.cast(100 * seed[0] + seed[1], tf.float32)), labels

    seeds = [
        stream(training_batches(FEATURES, LABELS, 3, 4, seed=6, augment=show, start_step=5, context=context), 3)
        for context in (tf.distribute.InputContext(2, number, 2) for number in range(2))
    ]
    assert seeds == [[[610] * 2, [612] * 2, [614] * 2], [[611] * 2, [613] * 2, [615] * 2]]


def test_a_batch_that_the_replicas_cannot_share_is_an_error():
    context = tf.distribute.InputContext(1, 0, 3)
    with pytest.raises(ValueError, match="batch_size is 16; expected a multiple of the 3 replicas"):
        training_batches(FEATURES, LABELS, 3, batch_size=16, context=context)


def mirrored_batches(steps, start_step):
    """The clips of each replica's batches under a strategy of two devices."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
    batches = strategy.distribute_datasets_from_function(
        lambda context: training_batches(
            FEATURES, LABELS, 3, batch_size=8, seed=4, start_step=start_step, context=context
        )
    )
    iterator = iter(batches)
    return [
        [replica[:, 0, 0, 0].numpy().astype(int).tolist() for replica in strategy.experimental_local_results(features)]
        for features, _ in (next(iterator) for _ in range(steps))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("start_step", [0, 3])
def test_devices_of_one_machine_share_each_batch(start_step):
    replicas = in_own_process(mirrored_batches, 5, start_step)
    single = stream(training_batches(FEATURES, LABELS, 3, batch_size=8, seed=4, start_step=start_step), 5)
    assert [len(clips) for step in replicas for clips in step] == [4] * 10
    assert [sum(step, []) for step in replicas] == single
