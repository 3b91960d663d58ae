"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (what was read off the data: scenes, devices, clip length,
feature statistics), checkpoints/, history.csv, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite. That of a compressed network also holds
compression.json (what was asked for), steps.csv, step_devices.csv and layers.csv (what each step has done), a folder
for each step with what was measured and its .tflite file, and test_changes.csv; that of a fine-tuned one
finetuning.json, classifier/ and drop_rates.csv; that of an ensemble ensemble.json. A run with a teacher may hold
teacher/ and teacher_logits.npy. Beside a run that was trained again stand seeds/ and seeds.csv, leave-device-out/ and
leave-device-out.csv.
"""

from asc_tf.experiment.command_settings import Compression, Search, Translation
from asc_tf.stages.benching import bench
from asc_tf.stages.complexity import account_of, account_of_named
from asc_tf.stages.compression import compress
from asc_tf.stages.compression_steps import compression_text
from asc_tf.stages.ensembling import join_runs
from asc_tf.stages.evaluation import evaluate, evaluate_changes, has_test_part, predict_test
from asc_tf.stages.exporting import export
from asc_tf.stages.features import compute_features
from asc_tf.stages.file_evaluation import evaluate_file
from asc_tf.stages.finetuning import finetune
from asc_tf.stages.leave_device_out import evaluate_left_out_devices
from asc_tf.stages.searching import search
from asc_tf.stages.seeds import evaluate_seeds
from asc_tf.stages.training import train
from asc_tf.stages.translation import apply_translator, train_translator

__all__ = [
    "Compression",
    "Search",
    "Translation",
    "account_of",
    "account_of_named",
    "apply_translator",
    "bench",
    "compress",
    "compression_text",
    "compute_features",
    "evaluate",
    "evaluate_changes",
    "evaluate_file",
    "evaluate_left_out_devices",
    "evaluate_seeds",
    "export",
    "finetune",
    "has_test_part",
    "join_runs",
    "predict_test",
    "search",
    "train",
    "train_translator",
]
