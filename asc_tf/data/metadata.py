"""Tables of metadata with checked names."""

import unicodedata

from asc_tf.data.names import filename_problem, label_problem, plain, spelling
from asc_tf.data.tables import Table
from asc_tf.errors import AscError, escaped, shown

META_COLUMNS = ("filename", "scene_label", "identifier", "source_label")


def named_table(table):
    """A table with its names in plain form (`asc_tf.data.names`), each name checked and every file named once."""
    columns = {}
    for column, values in table.columns.items():
        clean, problem = (plain, label_problem) if column != "filename" else (_plain_filename, filename_problem)
        options = {"is_folder": False} if column == "identifier" else {}
        known = {name: clean(name) for name in dict.fromkeys(values)}
        problems = {name: text for name, value in known.items() if (text := problem(value, **options))}
        if problems:
            row, name = next((row, name) for row, name in enumerate(values) if name in problems)
            if not known[name]:
                raise AscError(f"{table.at(row)} has no {column}")
            raise AscError(f"{table.at(row)}: {column} {shown(name)} {problems[name]}")
        columns[column] = [known[name] for name in values]
    first = {}
    for row, name in enumerate(columns["filename"]):
        if (other := first.setdefault(name, row)) != row:
            lines = f"lines {table.lines[other]} and {table.lines[row]}"
            raise AscError(f"{table.path}: names {escaped(name)} twice, in {lines}")
    return Table(table.path, table.lines, columns)


def _plain_filename(name):
    return unicodedata.normalize("NFC", name.strip(" "))


def check_spelling(table, column):
    """Raise an AscError for labels of a column that readers cannot tell apart, and name a line of each."""
    lines = dict(zip(reversed(table.columns[column]), reversed(table.lines), strict=True))  # first line of each
    spellings = {}
    for name, line in sorted(lines.items(), key=lambda item: item[1]):
        other = spellings.setdefault(spelling(name), name)
        if other != name:
            raise AscError(
                f"{table.path}: {column} is {shown(other)} in line {lines[other]} and {shown(name)} in line {line}; "
                "expected one spelling"
            )
