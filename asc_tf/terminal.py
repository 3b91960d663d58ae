"""Lines for the user of the command line, and the streams they are written to."""

import codecs
import os
import re
import sys

WIDTH = 100  # of tables
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BYTES_OR_ESCAPES = "asc_tf.bytes_or_escapes"


def say(line):
    """Print lines of progress or an error; results go to standard output."""
    print("\n".join(map(without_control, line.split("\n"))), file=sys.stderr, flush=True)


def without_control(text):
    """Return text with control characters escaped, so that a file's name can move no cursor and begin no line."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def show_files(done, total):
    """A count that rewrites its own line on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{done} of {total} files", end="\n" if done == total else "", file=sys.stderr, flush=True)


def table_text(rows, left=1, gap=2, repeated=None):
    """A table as text, at most WIDTH columns wide: a wider table is folded, and every fold repeats the first columns.

    Args:
        rows: lists of texts, equally long, header first.
        left: how many columns are aligned to the left; the others are aligned to the right.
        gap: blanks between two columns.
        repeated: how many columns every fold repeats; None means the left-aligned ones.
    """
    repeated = left if repeated is None else repeated
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    folds, room = [[]], WIDTH - sum(widths[:repeated]) - gap * (repeated - 1)
    for column in range(repeated, len(widths)):
        if folds[-1] and sum(widths[each] + gap for each in (*folds[-1], column)) > room:
            folds.append([])
        folds[-1].append(column)
    lines = []
    for number, fold in enumerate(folds):
        lines += [""] * bool(number)
        for row in rows:
            cells = (
                row[column].ljust(widths[column]) if column < left else row[column].rjust(widths[column])
                for column in (*range(repeated), *fold)
            )
            lines.append((" " * gap).join(cells).rstrip())
    return "\n".join(lines)


def prepare_streams():
    """Make sure that no character fails to print on the standard streams and that no file takes their descriptors.

    If a program starts with a standard stream closed, the next file it opens gets the stream's number, and native code
    then prints into that file. The null device takes the number instead; output to a closed standard error is lost.
    File names that are not UTF-8 are printed as their bytes; characters that the terminal's encoding lacks are escaped.

    Returns:
        Whether there is a standard output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # open returns the lowest free number: this one
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_BYTES_OR_ESCAPES)
    return sys.stdout is not None


def discard_output():
    """Stop writing to standard output, because its reader is gone or its disk is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _bytes_or_escapes(error):
    error.end = error.start + 1
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return codecs.lookup_error("backslashreplace")(error)


codecs.register_error(_BYTES_OR_ESCAPES, _bytes_or_escapes)
