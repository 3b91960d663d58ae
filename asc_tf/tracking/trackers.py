"""The trackers by name."""

import importlib
import importlib.util

from asc_tf.errors import AscError, not_installed

TRACKERS = {"mlflow": "MlflowRecord", "wandb": "WandbRecord"}
"""{name of the tracker, its package and its extra: class in tracking.NAME_record}"""


def check_tracker(name):
    """Raise an AscError for a tracker that is unknown or not installed."""
    if name not in TRACKERS:
        raise AscError(f"--tracker {name}: expected one of {', '.join(TRACKERS)}")
    if importlib.util.find_spec(name) is None:
        raise not_installed(f"--tracker {name}", name, name)


def begin_record(name, id, folder, settings):
    """The record of a training in a tracker: `MlflowRecord` or `WandbRecord`, with their arguments.

    Raises:
        AscError: as `check_tracker`, or the tracker cannot begin: nobody is logged in, no server answers.
    """
    check_tracker(name)
    record = getattr(importlib.import_module(f"asc_tf.tracking.{name}_record"), TRACKERS[name])
    try:
        return record(id, folder, settings)
    except Exception as error:  # of the package, of any class
        raise AscError(f"--tracker {name}: cannot begin ({first_line(error)})") from error


def first_line(error):
    """What a package's error says, short."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
