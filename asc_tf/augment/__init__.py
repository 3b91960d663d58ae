"""Augmentation: stateless tensor functions on whole batches."""

from asc_tf.augment.freq_mixstyle import freq_mixstyle
from asc_tf.augment.mixup import mixup
from asc_tf.augment.policy import augment_batch
from asc_tf.augment.spec_augment import spec_augment
from asc_tf.augment.time_roll import time_roll

__all__ = ["augment_batch", "freq_mixstyle", "mixup", "spec_augment", "time_roll"]
