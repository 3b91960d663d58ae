"""A run that holds a network for each device beside its general one, and which network a device gets."""

from pathlib import Path

from asc_tf.errors import AscError
from asc_tf.experiment.strict_json import read_json

REQUEST = "per_device.json"
FOLDER = "devices"


def device_file(run, device):
    """The .keras file of a device's network."""
    return Path(run) / FOLDER / f"{device}.keras"


def devices_with_networks(run, dataset):
    """The devices that have their own network in a run, sorted; none in a run of one network.

    Args:
        run: run folder.
        dataset: the run's `Dataset`.

    Raises:
        AscError: the record is damaged, or names a device that the run has not heard.
    """
    path = Path(run) / REQUEST
    if not path.is_file():
        return ()
    found = read_json(path)
    devices = found.get("devices") if isinstance(found, dict) else None
    # The names become paths: only those that were checked with the data set are taken.
    if not isinstance(devices, list) or not devices or not set(map(str, devices)) <= set(dataset.seen_devices):
        raise AscError(f"{path}: names {str(devices)[:100]}; expected devices of {', '.join(dataset.seen_devices)}")
    return tuple(sorted(devices))


def check_one_network(run, advice):
    """Raise an AscError for a run that holds a network for each device.

    Args:
        run: run folder.
        advice: what to do instead.
    """
    if (Path(run) / REQUEST).is_file():
        raise AscError(f"{run}: holds a network for each device ({REQUEST}); {advice}")
