"""Runs that replicas train together."""

import pandas as pd
import pytest
import tensorflow as tf
from processes import in_own_process
from tiny import SMALLEST_SETTINGS

from asc_tf import stages
from asc_tf.errors import AscError
from asc_tf.experiment.settings import Config

PLAIN = ["augment.roll_probability=0", "augment.mixup_alpha=0", "augment.mask_probability=0",
         "data.validation_fraction=0.3", "train.learning_rate=0.001"]  # fmt: skip
CONFIG = Config().with_settings([*SMALLEST_SETTINGS, *PLAIN])


def quiet(line):
    """In place of `print`."""


def train(root, run, config, devices):
    """The lines of a training on so many devices of this machine."""
    lines, strategy = [], None
    if devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
        strategy = tf.distribute.MirroredStrategy([f"cpu:{number}" for number in range(devices)])
    stages.train(root, config, run, lines.append, strategy)
    return lines


@pytest.mark.slow
def test_a_run_of_two_replicas_is_that_of_one_process(synthetic_root, smallest_run, eager, tmp_path):
    """With a teacher's kept probabilities beside the labels."""
    config = CONFIG.with_settings([f"distillation.teacher={smallest_run}", "distillation.logits=cached"])
    lines = in_own_process(train, synthetic_root, tmp_path / "two", config, 2, seconds=400)
    assert "2 replicas on 1 worker: global batch of 16 clips, 8 a replica" in "".join(lines)
    train(synthetic_root, tmp_path / "one", config, 1)
    histories = [pd.read_csv(tmp_path / run / "history.csv") for run in ("two", "one")]
    pd.testing.assert_frame_equal(*histories, rtol=0, atol=2e-3)


def test_settings_that_replicas_cannot_train_by(tmp_path):
    class Three(tf.distribute.OneDeviceStrategy):
        num_replicas_in_sync = 3

    strategy = Three("cpu:0")
    with pytest.raises(AscError, match="train.batch_size is 16; expected a multiple of the 3 replicas that share each"):
        stages.train(tmp_path, CONFIG, tmp_path / "run", quiet, strategy)
    selected = CONFIG.with_settings(["train.batch_size=15", "train.select=min-var"])
    with pytest.raises(AscError, match="train.select is min-var; expected last or best with --strategy"):
        stages.train(tmp_path, selected, tmp_path / "run", quiet, strategy)
    assert not (tmp_path / "run").exists()
