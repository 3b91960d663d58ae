"""The complexity account of whatever a user names."""

from pathlib import Path

from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.experiment.device_networks import devices_with_networks
from asc_tf.experiment.named_networks import NAMED_NETWORKS
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.models import NETWORKS
from asc_tf.models.network_file import read_network
from asc_tf.stages.preconditions import check_counted


def account_of(target, seconds=None, length=None, device=None):
    """Storage and computation of a network: `asc-tf complexity`.

    Args:
        target: run folder, .keras file, .tflite file, or name of `asc_tf.experiment.named_networks.NAMED_NETWORKS`.
        seconds: of sound in the input, for the rules that limit MACs per second; None takes them from the run, from the
            file's metadata or from the named network.
        length: length of the input's open axes (except the batch): frames, or samples.
        device: of a run with a network for each device, count that of this one.

    Returns:
        An `asc_tf.complexity.account.Account`.

    Raises:
        AscError: nothing of that name, or a file that cannot be loaded.
    """
    check_counted(target)
    path = Path(target)
    if path.is_dir():
        return keras_account(load_model(path, device), seconds or read_run(path)[1].clip_seconds, length)
    if not path.exists():
        return account_of_named(str(target), seconds, length)
    if path.suffix == ".tflite":
        return tflite_account(path, seconds, length)
    return keras_account(read_network(path), seconds, length)


def accounts_of_devices(target, seconds=None, length=None):
    """{device: `Account`} of a run with a network for each device, {} for all else. Arguments as of `account_of`."""
    path = Path(target)
    if not path.is_dir():
        return {}
    devices = devices_with_networks(path, read_run(path)[1])
    return {device: account_of(target, seconds, length, device) for device in devices}


def account_of_named(name, seconds=None, length=None):
    """The account of one of `NAMED_NETWORKS`, untrained, for ten scenes."""
    named = NAMED_NETWORKS[name]
    model = NETWORKS[named.network](input_shape=(named.mel_bins, named.frames, 1), classes=10, **named.arguments)
    return keras_account(model, seconds or named.seconds, length)
