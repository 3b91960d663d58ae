"""The exported files of a run: size, latency, complexity and results of each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.errors import AscError
from asc_tf.experiment.data_set_folder import folder_on
from asc_tf.experiment.run_folder import read_csv
from asc_tf.runtime.latency import latencies
from asc_tf.runtime.metadata import read_metadata

if TYPE_CHECKING:
    from asc_tf.complexity.account import Account

_ROUNDS, _RUNS = 3, 5


@dataclass(frozen=True)
class ExportedFile:
    """One file, and what could be found out about it.

    Args:
        name: its path in the run folder.
        bytes: of it.
        kind: numbers and input, such as "int8, features".
        latency_ms: of one inference on one thread of this machine, None if it was not measured.
        account: of it, None for what is no .tflite file that can be read.
        accuracy, log_loss: on the test part of the run's data, if `asc-tf evaluate FILE` has been run, else None.
        problem: why something of it is not known.
    """

    name: str
    bytes: int
    kind: str = ""
    latency_ms: float | None = None
    account: Account | None = None
    accuracy: float | None = None
    log_loss: float | None = None
    problem: str = ""


def exported_files(run, dataset):
    """`ExportedFile` of all .tflite and .onnx files of a run, those of a compression's steps among them."""
    run = Path(run)
    found = sorted(path for pattern in ("*.tflite", "*.onnx", "*/*.tflite", "*/*.onnx") for path in run.glob(pattern))
    found = [path for path in found if path.parent == run or not (path.parent / "config.json").is_file()]
    contents = {str(path.relative_to(run)): path.read_bytes() for path in found}
    kinds, problems = {}, {}
    for name, content in contents.items():
        if name.endswith(".onnx"):
            kinds[name], problems[name] = "ONNX", "latency is measured of .tflite files only"
            continue
        try:
            metadata = read_metadata(content, run / name)
            kinds[name] = f"{metadata.format}, {metadata.input}"
        except AscError as error:
            problems[name] = str(error)
    readable = {name: content for name, content in contents.items() if name not in problems}
    times = latencies(readable, _ROUNDS, _RUNS) if readable else {}
    return tuple(
        ExportedFile(
            name,
            len(content),
            kinds.get(name, ""),
            statistics.median(times[name]) if name in times else None,
            tflite_account(run / name) if name in times else None,
            *_results(run, name, dataset),
            problems.get(name, ""),
        )
        for name, content in contents.items()
    )


def _results(run, name, dataset):
    """(accuracy, log loss) of a file's own evaluation, see `asc_tf.stages.file_evaluation.file_tables_folder`."""
    path = run / name
    table = folder_on(dataset.root, path.with_name(f"{path.stem}-on")) / "devices.csv"
    if not table.is_file():
        return None, None
    found = read_csv(table, ("device", "accuracy", "log_loss"), ("device",)).set_index("device")
    return (float(found.accuracy["all"]), float(found.log_loss["all"])) if "all" in found.index else (None, None)
