"""What TensorBoard would read in a folder of event files."""

from collections import Counter

import tensorflow as tf


def written(folder):
    """Counter of (tag, step), and {tag: content} of the last step, in the files of a folder."""
    counts, last = Counter(), {}
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                counts[value.tag, event.step] += 1
                last[value.tag] = tf.make_ndarray(value.tensor)
    return counts, last
