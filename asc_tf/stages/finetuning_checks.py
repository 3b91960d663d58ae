"""Checks whether a run can be fine-tuned, before TensorFlow is loaded: see `asc_tf.stages.preconditions`."""

from pathlib import Path

from asc_tf.errors import AscError
from asc_tf.experiment.device_networks import REQUEST, check_one_network
from asc_tf.experiment.run_folder import check_finished, check_free, read_run
from asc_tf.stages.preconditions import check_has_data

DEVICE_SETTINGS = ("epochs", "learning_rate", "weight_decay", "distance_weight")
"""Settings of the section finetune that fine-tuning on one device has."""


def check_finetuning(run, out, settings):
    """For `finetune`: a run that can be fine-tuned. Returns its Config with the settings of the fine-tuning."""
    check_free(Path(out) / "finetuning.json", "fine-tuning")
    for setting in settings:
        if not setting.startswith(("finetune.", "train.select=")):
            raise AscError(f"--set {setting}: is kept by fine-tuning; expected finetune.NAME=VALUE")
    return _checked(Path(run), settings)


def check_device_finetuning(run, out, settings):
    """For `finetune_per_device`, as `check_finetuning`."""
    check_free(Path(out) / REQUEST, "fine-tuning for each device")
    expected = tuple(f"finetune.{name}" for name in DEVICE_SETTINGS)
    for setting in settings:
        if setting.partition("=")[0] not in expected:
            raise AscError(f"--set {setting}: is none of a fine-tuning for each device; expected {', '.join(expected)}")
    return _checked(Path(run), settings)


def _checked(run, settings):
    config = read_run(run)[0].with_settings(settings)
    check_finished(run)
    check_has_data(run)
    check_one_network(run, "fine-tune the run that it was made from")
    if (run / "ensemble.json").is_file():
        raise AscError(f"{run}: is an ensemble; expected one of its members")
    if (run / "compression.json").is_file():
        raise AscError(f"{run}: is compressed, and training would undo that; fine-tune first, then compress")
    return config
