import numpy as np
import tensorflow as tf

from asc_tf.translator.patch_gan import patch_gan

RESPONSE = np.random.default_rng(0).normal(0, 1, (2, 128)).astype(np.float32)


def test_parameters_by_hand_and_a_score_for_every_eighth_bin_and_frame():
    model = patch_gan(RESPONSE, width=4)
    convolutions = (16 * 3 * 4 + 4) + 16 * 4 * 8 + 16 * 8 * 16 + 16 * 16 * 32 + (16 * 32 + 1)
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trained == 2 * 128 + convolutions + 2 * (8 + 16 + 32)
    assert model.output_shape == (None, 16, None, 1)
    inputs = [np.zeros((2, 128, 40, 1), np.float32), np.eye(2, dtype=np.float32), np.zeros((2, 128, 40, 1), np.float32)]
    assert model(inputs).shape == (2, 16, 5, 1)


def test_a_score_judges_a_patch_of_70_by_70():
    model = patch_gan(RESPONSE, width=4)
    source, candidate = (tf.random.stateless_normal((1, 128, 128, 1), [1, n]) for n in range(2))
    with tf.GradientTape() as tape:
        tape.watch(candidate)
        score = model([source, np.eye(2, dtype=np.float32)[:1], candidate], training=False)[0, 8, 8, 0]
    reached = np.argwhere(tape.gradient(score, candidate).numpy()[0, ..., 0])
    assert (reached.max(axis=0) - reached.min(axis=0) + 1).tolist() == [70, 70]
