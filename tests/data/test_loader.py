import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from asc_tf.augment import augment_batch
from asc_tf.data.loader import evaluation_batches, label_indices, training_batches
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


def test_labels_follow_the_given_order_of_scenes():
    clips = pd.DataFrame({"filename": ["x.wav", "y.wav"], "scene": ["tram", "bus"]})
    np.testing.assert_array_equal(label_indices(clips, ["tram", "park", "bus"]), [0, 2])


def test_an_unknown_scene_is_named_with_its_clip():
    clips = pd.DataFrame({"filename": ["x.wav", "y.wav"], "scene": ["tram", "bus"]})
    with pytest.raises(AscError, match="y.wav: scene 'bus' is unknown to the network; it knows park, tram"):
        label_indices(clips, ["park", "tram"])
