"""Facts about the data that a run must know: dataset.json."""

import dataclasses
import json
import math
from dataclasses import dataclass

from asc_tf.atomic import read_checked, write_checked
from asc_tf.data.names import check_labels
from asc_tf.errors import AscError, unreadable


@dataclass(frozen=True)
class Dataset:
    """Facts about the data that a run must know."""

    root: str
    scenes: tuple[str, ...]
    seen_devices: tuple[str, ...]
    clip_seconds: float
    feature_mean: float | tuple[float, ...]
    feature_std: float | tuple[float, ...]
    """of the training features: two numbers, or one a mel bin each"""
    clips_sha256: str = ""
    """of the clips that are trained and validated on, see `asc_tf.experiment.trained_on`; older runs have none"""


def _is_text(value):
    return isinstance(value, str)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_names(value):
    return isinstance(value, tuple) and len(value) > 0


def _are_numbers(value):
    return _is_number(value) or (isinstance(value, tuple) and len(value) > 0 and all(map(_is_number, value)))


def _are_deviations(value):
    return _are_numbers(value) and min(value if isinstance(value, tuple) else (value,)) >= 0


_FIELDS = {
    "root": (_is_text, "a path"),
    "scenes": (_are_names, "a list of names"),
    "seen_devices": (_are_names, "a list of names"),
    "clip_seconds": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "feature_mean": (_are_numbers, "a number or one a mel bin"),
    "feature_std": (_are_deviations, "a number that is not negative or one a mel bin"),
    "clips_sha256": (_is_text, "a checksum"),
}


def read_dataset(path):
    """The `Dataset` of a run's dataset.json.

    Raises:
        AscError: it is damaged, no JSON, or has fields or values that a `Dataset` does not allow.
        FileNotFoundError: the file is missing.
    """
    try:
        values = json.loads(read_checked(path))
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise unreadable(path, error, "what 'asc-tf train' has written") from error
    required = {field.name for field in dataclasses.fields(Dataset) if field.default is dataclasses.MISSING}
    if not required <= values.keys() <= _FIELDS.keys():
        raise AscError(f"{path}: holds {', '.join(values) or 'nothing'}; expected {', '.join(_FIELDS)}"[:1000])
    for name, value in values.items():
        is_right, words = _FIELDS[name]
        if not is_right(value):
            raise AscError(f"{path}: {name} is {str(value)[:100]!r}; expected {words}")
    dataset = Dataset(**values)
    check_labels(path, "scene", dataset.scenes)
    check_labels(path, "device", dataset.seen_devices)
    return dataset


def write_dataset(path, dataset):
    """Write a `Dataset` as JSON."""
    write_checked(path, json.dumps(dataclasses.asdict(dataset), indent=2) + "\n")
