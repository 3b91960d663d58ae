"""Splits of a data set: its official one, and lists of a part of its training clips."""

from pathlib import Path

from asc_tf.data.metadata import META_COLUMNS, named_table
from asc_tf.data.names import filename_problem
from asc_tf.data.tables import read_table
from asc_tf.errors import AscError, escaped, shown

FOLDER = "evaluation_setup"


def official_split(root, meta):
    """Part of each clip of meta.csv: a list of "train", "test" or "", from the two files of the split.

    Args:
        root: folder of the data set.
        meta: `Table` of meta.csv, with checked names.
    """
    split = [""] * len(meta.lines)
    for part, file in (("train", "fold1_train.csv"), ("test", "fold1_evaluate.csv")):
        table, rows = _read_rows(Path(root) / FOLDER / file, meta)
        for line, row in enumerate(rows):
            if split[row]:
                name = escaped(meta.columns["filename"][row])
                raise AscError(f"{table.at(line)} names {name}, which is in the training part as well")
            split[row] = part
        _check_labels(table, rows, meta)
    return split


def list_path(root, name):
    """The file of a list of training clips: NAME.csv in ROOT/evaluation_setup, or a file of an absolute path.

    DCASE 2024 and 2025 publish such lists of TAU 2022 Mobile: split5.csv, split10.csv, split25.csv, split50.csv and
    split100.csv.

    Raises:
        AscError: no such file.
    """
    folder = Path(root) / FOLDER
    if not Path(name).is_absolute() and (problem := filename_problem(name)):
        raise AscError(f"setting data.split is {shown(name)}: {problem}; an absolute path may lead anywhere")
    path = folder / (name if name.endswith(".csv") else f"{name}.csv")
    if not path.is_file():
        there = ", ".join(lists_of(root)) or "none is there"
        raise AscError(
            f"setting data.split is {escaped(name)} and {path} is no file; expected official, full, the name of a "
            f"list of training clips in {FOLDER}/ ({there}), or the absolute path of a .csv file"
        )
    return path


def lists_of(root):
    """Names of the lists of training clips in ROOT/evaluation_setup, from the smallest share on: ["split5", ...]."""
    names = [path.stem for path in (Path(root) / FOLDER).glob("split*.csv")]
    return sorted(names, key=lambda name: (len(name), name))


def keep_listed(split, meta, path):
    """A split in which only the listed training clips are left, the others in neither part.

    Args:
        split: part of each clip, as of `official_split`.
        meta: `Table` of the data set's metadata, with checked names.
        path: of a tab-separated table with the column filename; meta.csv's other columns must agree with meta.csv.

    Raises:
        AscError: a table that cannot be read, a clip that the data set or its training part does not have, a clip named
            twice, or a contradiction.
    """
    table, rows = _read_rows(path, meta)
    for line, row in enumerate(rows):
        if split[row] != "train":
            name, where = escaped(meta.columns["filename"][row]), "the test part" if split[row] else "no part"
            raise AscError(f"{table.at(line)} names {name}, which is in {where}; expected training clips")
    _check_labels(table, rows, meta)
    listed = set(rows)
    return [part if part != "train" or row in listed else "" for row, part in enumerate(split)]


def _read_rows(path, meta):
    """(`Table` of a part's clips, their rows in meta.csv). Raises an AscError for a clip that meta.csv lacks."""
    row_of = {name: row for row, name in enumerate(meta.columns["filename"])}
    table = named_table(read_table(path, ("filename",), META_COLUMNS[1:]))
    for line, name in enumerate(table.columns["filename"]):
        if name not in row_of:
            raise AscError(f"{table.at(line)} names {escaped(name)}, which {meta.path.name} does not")
    return table, [row_of[name] for name in table.columns["filename"]]


def _check_labels(table, rows, meta):
    """Raise an AscError for a label that contradicts meta.csv's."""
    for column, values in table.columns.items():
        for line, (value, row) in enumerate(zip(values, rows, strict=True)):
            if value != (ours := meta.columns[column][row]):
                raise AscError(
                    f"{table.at(line)} says {column} {shown(value)} of {escaped(meta.columns['filename'][row])}, "
                    f"of which {meta.path.name} says {shown(ours)}"
                )
