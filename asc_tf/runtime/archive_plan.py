"""The shards of an archive: fixed in the output folder at the first start, and the same after every kill."""

import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from asc_tf.atomic import checked_file, read_checked, write_checked
from asc_tf.atomic.checksums import SUMS
from asc_tf.errors import AscError, unreadable

KINDS = ("scenes", "failures")


@dataclass(frozen=True)
class Plan:
    """The shards of an archive; workers on other machines get a copy.

    Attributes:
        model: path of the .tflite file.
        sha256: of the file.
        labels: of its scenes.
        uncertain_below: of `Classifier`.
        folder: folder that the names are relative to.
        output: folder of the results, with the names in `files.jsonl`.
        files: number of files.
        starts: positions in files.jsonl, in bytes, where the names of each shard begin.
    """

    model: Path
    sha256: str
    labels: tuple[str, ...]
    uncertain_below: float | None
    folder: Path
    output: Path
    files: int
    starts: tuple[int, ...]

    def size(self, shard):
        """Number of files in a shard; shards differ by at most one."""
        return (shard + 1) * self.files // len(self.starts) - shard * self.files // len(self.starts)

    def names(self, shard):
        """Names of the files in a shard, sorted."""
        path = self.output / "files.jsonl"
        try:
            with path.open("rb") as file:
                file.seek(self.starts[shard])
                names = [json.loads(line) for line in itertools.islice(file, self.size(shard))]
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        if len(names) != self.size(shard):
            raise AscError(f"{path}: has {len(names)} names for shard {shard}; expected {self.size(shard)}")
        return names

    def csv(self, kind, shard):
        """Path of a shard's "scenes" or "failures"."""
        return self.output / self._name(kind, shard)

    def finished(self):
        """The shards whose two files exist."""
        there = set(os.listdir(self.output))
        return {k for k in range(len(self.starts)) if all(self._name(kind, k) in there for kind in KINDS)}

    def files_in(self, shards):
        return sum(map(self.size, shards))

    def _name(self, kind, shard):
        return f"{kind}-{shard:05}-of-{len(self.starts):05}.csv"


def refuse_other_files(output):
    """Refuse a folder with files that `make_plan` did not begin."""
    own = {"files.jsonl", SUMS}  # a kill may have left these without the manifest
    names = set(os.listdir(output)) if output.exists() else set()
    other = {name for name in names - own if not name.startswith(".")}
    if other and "manifest.json" not in names:
        raise AscError(
            f"{output}: is not empty and holds no manifest.json ({min(other)} is there); expected a new folder"
        )


def make_plan(classifier, model, archive, names, output, shards, report):
    """The plan of an output folder; a new folder gets a new plan.

    Args:
        classifier: of the model.
        model: path of the .tflite file.
        archive: folder, or list of files.
        names: names of its files now, sorted.
        output: folder for the results, absolute.
        shards: number of them.
        report: called with a line for the user if files were added to the folder since.

    Raises:
        AscError: the plan has another model, archive or number of shards, or its list names other files.
    """
    manifest = output / "manifest.json"
    threshold = classifier.uncertain_below
    own = {"model": classifier.sha256, "archive": str(archive.resolve()), "shards": shards, "threshold": threshold}
    if not manifest.exists():
        starts = _write_names(output / "files.jsonl", names, shards)
        write_checked(manifest, json.dumps({**own, "files": len(names), "starts": starts}, indent=1))
    try:
        kept = json.loads(read_checked(manifest))
        begun, files, starts = {name: kept[name] for name in own}, kept["files"], tuple(kept["starts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise unreadable(manifest, error, "what asc-tf predict wrote") from error
    for name, value in own.items():
        if begun[name] != value:
            what = {"shards": "number of shards"}.get(name, name) + ("" if name == "model" else f" ({begun[name]})")
            raise AscError(f"{output}: was begun with another {what}; expected the same, or another --output")
    _compare(archive, names, output, report)
    folder = (archive if archive.is_dir() else archive.parent).absolute()
    return Plan(model, classifier.sha256, tuple(classifier.labels), threshold, folder, output, files, starts)


def _write_names(path, names, shards):
    """Write the names as lines of JSON, since they may hold line ends; returns where each shard's names begin."""
    starts, position = [], 0
    with checked_file(path) as part, part.open("wb") as file:
        for shard in range(shards):
            starts.append(position)
            for name in names[shard * len(names) // shards : (shard + 1) * len(names) // shards]:
                position += file.write(_line(name))
    return starts


def _line(name):
    return json.dumps(name).encode() + b"\n"


def _compare(archive, names, output, report):
    """Report files added to a folder since the work began; a list must not change."""
    path = output / "files.jsonl"
    try:
        kept = read_checked(path).splitlines(keepends=True)
        if all(before == now for before, now in itertools.zip_longest(kept, map(_line, names))):
            return
        if not archive.is_dir():
            raise AscError(
                f"{output}: was begun when {archive} named other files; expected the same, or another --output"
            )
        new = set(names).difference(map(json.loads, kept))
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(path, error, "the names that asc-tf predict wrote") from error
    if new:
        report(f"{archive}: {len(new)} files came after {output} was begun and are left out, such as {min(new)}")
