"""Flags that several commands share, with their ranges, and the check of every flag that has one."""

import dataclasses
import typing
from typing import Annotated

from asc_tf.experiment.setting import Setting, field_from
from asc_tf.experiment.setting_values import check_flag

Top = Annotated[int, Setting("how many scenes to show", 1, 10_000)]
Threshold = Annotated[
    float | None,
    Setting('least probability of an answer, "uncertain" below it; the model\'s own if not given', 0, 1),
]


def _windows(before):
    return (
        Setting(f"{before}from the beginning of a window to that of the next", 0.001, 86_399, "seconds"),
        Setting(f"{before}share of the newest window in the probabilities; 1 does not smooth", 0.001, 1),
    )


Hop, Smoothing = (Annotated[float, setting] for setting in _windows(""))
TimelineHop, TimelineSmoothing = (Annotated[float, setting] for setting in _windows("with --timeline: "))
Workers = Annotated[int | None, Setting("files to work on at once; one a processor if not given", 1, 4096)]


def check_ranges(command):
    """Raise an AscError for the first flag of a command whose value is out of its range, which its `Setting` says."""
    hints = typing.get_type_hints(type(command), include_extras=True)
    for item in dataclasses.fields(command):
        value, hint = getattr(command, item.name), hints[item.name]
        if dataclasses.is_dataclass(value):
            check_ranges(value)
        elif any(isinstance(each, Setting) for each in getattr(hint, "__metadata__", ())):
            check_flag(field_from("", item, hint), value)
