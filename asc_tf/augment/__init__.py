"""Augmentation: stateless tensor functions on whole batches."""

from asc_tf.augment.device_impulse_response import device_impulse_response, load_impulse_responses
from asc_tf.augment.dynamic_range_compression import dynamic_range_compression
from asc_tf.augment.freq_mixstyle import freq_mixstyle
from asc_tf.augment.mixup import mixup
from asc_tf.augment.policy import augment_batch
from asc_tf.augment.random_gain import random_gain
from asc_tf.augment.spec_augment import spec_augment
from asc_tf.augment.time_roll import time_roll

__all__ = [
    "augment_batch",
    "device_impulse_response",
    "dynamic_range_compression",
    "freq_mixstyle",
    "load_impulse_responses",
    "mixup",
    "random_gain",
    "spec_augment",
    "time_roll",
]
