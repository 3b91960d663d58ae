"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (what was read off the data: scenes, devices, clip length,
feature statistics), checkpoints/, history.csv, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite. That of a compressed network also holds
compression.json (what was asked for), steps.csv, step_devices.csv and layers.csv (what each step has done), a folder
for each step with what was measured and its .tflite file, and test_changes.csv; that of a fine-tuned one
finetuning.json, classifier/ and drop_rates.csv; that of an ensemble ensemble.json; that of a public checkpoint
imported.json. A run with a teacher may hold teacher/ and teacher_logits.npy. Beside a run that was trained again stand
seeds/ and seeds.csv, leave-device-out/ and leave-device-out.csv; of an evaluation of other data, pieces or a file a
folder of its own; and report.html, .md, .csv.

Each stage is imported when it is first used: with TensorFlow, but for `asc_tf.stages.preconditions`, which sees before
that whether a stage can begin.
"""

import importlib

from asc_tf.experiment.command_settings import Compression, Search, Translation

_HOMES = {
    "account_of": "complexity",
    "account_of_named": "complexity",
    "apply_translator": "translation",
    "bench": "benching",
    "compress": "compression",
    "compression_text": "compression_steps",
    "compute_features": "features",
    "evaluate": "evaluation",
    "evaluate_changes": "evaluation",
    "evaluate_file": "file_evaluation",
    "evaluate_left_out_devices": "leave_device_out",
    "evaluate_seeds": "seeds",
    "export": "exporting",
    "scored_run": "explaining",
    "finetune": "finetuning",
    "has_test_part": "preconditions",
    "import_checkpoint": "importing",
    "join_runs": "ensembling",
    "predict_test": "evaluation",
    "search": "searching",
    "train": "training",
    "train_translator": "translation",
    "write_report": "reporting",
}
__all__ = ["Compression", "Search", "Translation", *_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'asc_tf.stages' has no attribute '{name}'")
    return getattr(importlib.import_module(f"asc_tf.stages.{_HOMES[name]}"), name)
