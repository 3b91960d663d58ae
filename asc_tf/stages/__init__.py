"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (what was read off the data: scenes, devices, clip length,
feature statistics), checkpoints/, history.csv, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite. That of a compressed network also holds
compression.json (what was asked for), steps.csv and layers.csv.
"""

from asc_tf.stages.complexity import account_of, account_of_named
from asc_tf.stages.compression import Compression, compress
from asc_tf.stages.evaluation import evaluate, has_test_part, predict_test
from asc_tf.stages.features import compute_features
from asc_tf.stages.seeds import evaluate_seeds
from asc_tf.stages.tflite import export
from asc_tf.stages.training import train
from asc_tf.stages.translation import apply_translator, train_translator

__all__ = [
    "Compression",
    "account_of",
    "account_of_named",
    "apply_translator",
    "compress",
    "compute_features",
    "evaluate",
    "evaluate_seeds",
    "export",
    "has_test_part",
    "predict_test",
    "train",
    "train_translator",
]
