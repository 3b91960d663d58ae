"""The exported files of a run: size, latency, complexity and results of each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.errors import AscError
from asc_tf.experiment.data_set_folder import folder_on
from asc_tf.experiment.run_folder import read_csv
from asc_tf.runtime.latency import in_turns, onnx_inference, tflite_inference
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
    files, inferences = {}, {}
    for path in found:
        name, content = str(path.relative_to(run)), path.read_bytes()
        files[name] = ExportedFile(name, len(content))
        try:
            if path.suffix == ".onnx":
                files[name] = replace(files[name], kind="ONNX, features")
                inferences[name] = _loaded(onnx_inference, path, content)
            else:
                files[name] = _described(files[name], path, content, dataset)
                inferences[name] = _loaded(tflite_inference, path, content)
        except AscError as error:
            files[name] = replace(files[name], problem=str(error))
    times = {name: statistics.median(rounds) for name, rounds in in_turns(inferences, _ROUNDS, _RUNS).items()}
    return tuple(replace(file, latency_ms=times.get(name)) for name, file in files.items())


def _described(file, path, content, dataset):
    """The `ExportedFile` of a .tflite file with all but its latency."""
    metadata = read_metadata(content, path)
    accuracy, log_loss = _results(path, dataset)
    kind = f"{metadata.format}, {metadata.input}"
    return replace(file, kind=kind, account=tflite_account(path), accuracy=accuracy, log_loss=log_loss)


def _loaded(inference, path, content):
    try:
        return inference(content)
    except ModuleNotFoundError as error:
        raise AscError(f"{path}: its latency needs {error.name}; pip install 'asc-tf[onnx]'") from None
    except Exception as error:  # of C++, of any class
        raise AscError(f"{path}: cannot be run ({str(error).splitlines()[0][:200]})") from error


def _results(path, dataset):
    """(accuracy, log loss) of a file's own evaluation, see `asc_tf.stages.file_evaluation.file_tables_folder`."""
    table = folder_on(dataset.root, path.with_name(f"{path.stem}-on")) / "devices.csv"
    if not table.is_file():
        return None, None
    found = read_csv(table, ("device", "accuracy", "log_loss"), ("device",)).set_index("device")
    return (float(found.accuracy["all"]), float(found.log_loss["all"])) if "all" in found.index else (None, None)
