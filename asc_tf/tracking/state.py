"""tracker.json of a run folder: which tracker has the run's record, under which name, and what is in it."""

import json
from pathlib import Path

from asc_tf.atomic import read_checked, write_checked
from asc_tf.errors import AscError
from asc_tf.tracking.trackers import TRACKERS, check_tracker

_FILE = "tracker.json"


def tracking_state(folder, tracker):
    """{"tracker", "id", "epochs": {phase: number that are logged}, "finished"} of a run; an unknown id is None.

    Args:
        folder: of the run. A run that has begun to be tracked goes on with its tracker without being told.
        tracker: key of `TRACKERS`, or None for that of the folder, if it has one.

    Raises:
        AscError: the run has another tracker, the tracker is not installed, or the file is damaged.
    """
    path = Path(folder) / _FILE
    state = _read(path) if path.is_file() else {"tracker": tracker, "id": None, "epochs": {}, "finished": False}
    if tracker not in (None, state["tracker"]):
        raise AscError(f"--tracker {tracker}: {folder} is tracked by {state['tracker']}; expected the same, or none")
    if state["tracker"] is not None:
        check_tracker(state["tracker"])
    return state


def write_state(folder, state):
    """Write what `tracking_state` reads."""
    write_checked(Path(folder) / _FILE, json.dumps(state, indent=1) + "\n")


def _read(path):
    try:
        state = json.loads(read_checked(path))
        counts = state["epochs"].values()
        whole = state["tracker"] in TRACKERS and isinstance(state["id"], str) and isinstance(state["finished"], bool)
        if whole and all(type(count) is int and count >= 0 for count in counts):
            return state
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise AscError(f"{path}: cannot be read; expected a tracker, its id and how many epochs are logged")
