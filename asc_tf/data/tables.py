"""Tab-separated tables of data sets; every mistake is reported with its line."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from asc_tf.errors import AscError, escaped, shown, unreadable

_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True)
class Table:
    """Columns of text of a file, {name: list}; `lines` holds each row's line number, from 1."""

    path: Path
    lines: list
    columns: dict

    def at(self, row):
        """The place of a row, for a sentence."""
        return f"{self.path}: line {self.lines[row]}"


def read_table(path, needed, optional=()):
    """Read columns of a tab-separated table with a header.

    UTF-8 with or without a byte order mark, line ends of any system, and empty lines are accepted. A field that is
    quoted as a whole loses its quotes; a quote never joins fields or lines.

    Args:
        path: of the file.
        needed: names of required columns.
        optional: names of columns that are read if present.

    Returns:
        A `Table` of one row or more.

    Raises:
        AscError: no such file, not a tab-separated table of UTF-8 text, missing columns (all are named), a row with
            more or fewer fields than the header, an open quote, or no row.
    """
    lines = [(number, line) for number, line in enumerate(_lines_of(path), start=1) if line.strip()]
    if not lines:
        raise AscError(f"{path}: is not a tab-separated table (it is empty); expected columns {', '.join(needed)}")
    (number, first), *rows = lines
    header = [name.strip() for name in _fields(path, number, first)]
    _check_header(path, first, header, needed)
    if not rows:
        raise AscError(f"{path}: names no clips; expected a line for each clip below the header")
    split = [_row(path, number, line, header) for number, line in rows]
    columns = dict(zip(header, zip(*split, strict=True), strict=True))
    wanted = {name: list(columns[name]) for name in (*needed, *optional) if name in columns}
    return Table(path, [number for number, _ in rows], wanted)


def _lines_of(path):
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise AscError(f"{path}: no such file; expected metadata in the TAU layout") from None
    except OSError as error:
        raise unreadable(path, error) from error
    if content.startswith(_UTF_16_OR_32):
        raise AscError(f"{path}: is not a tab-separated table in UTF-8 (it begins like UTF-16); save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AscError(
            f"{path}: is not a tab-separated table in UTF-8 (byte 0x{content[error.start]:02x} in line {line})"
        ) from error
    # Not splitlines(): it also splits at a form feed or a Unicode line separator in a name.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _check_header(path, line, header, needed):
    missing = [name for name in needed if name not in header]
    if missing and "\t" not in line and (separator := max(",;|", key=line.count)) in line:
        kind = {",": "comma", ";": "semicolon", "|": "bar"}[separator]
        raise AscError(
            f"{path}: is not a tab-separated table, it looks {kind}-separated ({shown(line)}); "
            f"expected tabs between the columns {', '.join(needed)}"
        )
    if missing:
        lacking = " and ".join(f"'{name}'" for name in missing)
        plural = "s" if len(missing) > 1 else ""
        raise AscError(f"{path}: has no column{plural} {lacking}; found {escaped(', '.join(header))}")
    for name in needed:
        if header.count(name) > 1:
            raise AscError(f"{path}: has the column '{name}' twice; expected it once")


def _row(path, number, line, header):
    fields = _fields(path, number, line)
    while len(fields) > len(header) and not fields[-1].strip():  # as spreadsheets leave them
        fields.pop()
    if len(fields) != len(header):
        raise AscError(
            f"{path}: line {number} has {len(fields)} field{'s' if len(fields) > 1 else ''}; "
            f"expected {len(header)} with tabs between them, as in the header"
        )
    return fields


def _fields(path, number, line):
    fields = line.split("\t")
    return fields if '"' not in line else [_unquoted(path, number, field.strip()) for field in fields]


def _unquoted(path, number, field):
    if not field.startswith('"'):
        return field
    inside = field[1:-1].replace('""', "")
    if len(field) < 2 or not field.endswith('"') or '"' in inside:
        raise AscError(f"{path}: line {number} has a quote that is not closed ({shown(field)}); expected no quotes")
    return field[1:-1].replace('""', '"')
