"""Stages of an experiment: each reads and writes named files of a run folder.

A run folder holds config.json (all settings), dataset.json (facts about the data: scenes, devices, clip length, feature
statistics), checkpoints/, history.csv, tensorboard/, last.keras and best.keras, predictions.csv (of the test part),
metrics.json with devices.csv, scenes.csv and confusion.csv, and model.tflite. The folder of a compressed network also
holds compression.json (the request), steps.csv, step_devices.csv and layers.csv (the results of each step), a folder
for each step with its measurements and its .tflite file, and test_changes.csv; that of a fine-tuned one
finetuning.json, classifier/ and drop_rates.csv; that of a calibrated one calibration.json (the request) and
temperature.json (the result); that of an ensemble ensemble.json; that of a run with a network for each device
per_device.json, devices/ and general/ (results of the general network); that of a soup soup.json and members.csv; that
of a public checkpoint imported.json. A run with a teacher may hold teacher/ and teacher_logits.npy. Repeated trainings
add seeds/ and seeds.csv, leave-device-out/ and leave-device-out.csv; evaluations of other data, pieces or a file add a
folder each; a report adds report.html, .md and .csv; a tracker tracker.json.

Each stage is imported on first use, together with TensorFlow. `asc_tf.stages.preconditions` needs no TensorFlow: it
checks before the import whether a stage can begin.
"""

import importlib

from asc_tf.experiment.command_settings import Compression, Search, Translation

_HOMES = {
    "account_of": "complexity",
    "account_of_named": "complexity",
    "accounts_of_devices": "complexity",
    "apply_translator": "translation",
    "bench": "benching",
    "calibrate": "calibrating",
    "compress": "compression",
    "compression_text": "compression_steps",
    "compute_features": "features",
    "evaluate": "evaluation",
    "evaluate_changes": "evaluation",
    "evaluate_file": "file_evaluation",
    "evaluate_left_out_devices": "leave_device_out",
    "evaluate_seeds": "seeds",
    "export": "exporting",
    "export_micro": "micro_exporting",
    "scored_run": "explaining",
    "finetune": "finetuning",
    "finetune_per_device": "device_networks",
    "has_test_part": "preconditions",
    "import_checkpoint": "importing",
    "join_runs": "ensembling",
    "mix_runs": "souping",
    "predict_test": "evaluation",
    "search": "searching",
    "submit": "submitting",
    "train": "training",
    "train_translator": "translation",
    "write_device_figure": "device_figure",
    "write_report": "reporting",
}
__all__ = ["Compression", "Search", "Translation", *_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'asc_tf.stages' has no attribute '{name}'")
    return getattr(importlib.import_module(f"asc_tf.stages.{_HOMES[name]}"), name)
