"""One scale for maps that are parts of each other."""

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from asc_tf.export.bias_correction import logits_of
from asc_tf.export.conversion import converted
from asc_tf.export.operators import kind_of
from asc_tf.export.shared_scales import with_shared_scales

WIDE = tf.constant(np.random.default_rng(0).normal(0, 1, (1, 1, 2, 2)), tf.float32)


def halves_beside_each_other(x):
    """Two maps of unequal ranges; each is convolved together with a bin of the other."""
    low, high = (
        tf.nn.relu(tf.nn.conv2d(half, scale * WIDE, 1, "SAME") + 0.1)
        for half, scale in zip(tf.split(x, 2, axis=1), (1.0, 5.0), strict=True)
    )
    parts = tf.concat([low, high[:, :1]], axis=1), tf.concat([low[:, -1:], high], axis=1)
    return tf.concat([tf.nn.conv2d(part, WIDE, 1, "SAME") + 0.5 for part in parts], axis=1)


def changes_of_scale(content):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    tensors = model.subgraphs[0].tensors
    return sum(
        kind_of(model, operator) == schema.BuiltinOperator.QUANTIZE
        and tensors[operator.inputs[0]].type == tensors[operator.outputs[0]].type
        for operator in model.subgraphs[0].operators
    )


def test_parts_of_each_other_get_one_scale_and_answers_stay():
    clips = np.random.default_rng(1).normal(0, 1, (8, 4, 6, 2)).astype(np.float32)
    content = converted(halves_beside_each_other, (4, 6, 2), "int8", clips)
    shared = with_shared_scales(content)
    assert changes_of_scale(content) and not changes_of_scale(shared)
    expected = np.concatenate([halves_beside_each_other(clip[np.newaxis]) for clip in clips])
    for each in (content, shared):
        assert np.abs(logits_of(each, clips) - expected).max() < 0.02 * np.ptp(expected)


def test_a_file_without_changes_of_scale_keeps_its_scales():
    clips = np.random.default_rng(1).normal(0, 1, (4, 4, 6, 2)).astype(np.float32)
    content = converted(lambda x: tf.nn.conv2d(x, WIDE, 1, "SAME"), (4, 6, 2), "int8", clips)
    np.testing.assert_array_equal(logits_of(with_shared_scales(content), clips), logits_of(content, clips))
