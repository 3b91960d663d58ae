"""Valid names of scenes, devices, locations and files: all names that come from outside are checked here.

A device becomes a folder, a scene a column, a location decides the hold-out, and a file's name is opened. So each name
is checked where it is read, and nowhere again.
"""

import contextlib
import os
import re
import unicodedata

from asc_tf.errors import AscError, shown

SUMMARY_ROWS = ("seen", "unseen", "all", "mean")  # of the result tables, beside the names of scenes and devices
_TAKEN = {*SUMMARY_ROWS, "file", "scene", "confidence", "error", "accuracy %", "log loss"}  # rows and columns
LOGITS_FILES = (".csv", ".npz")  # endings of files of logits, see `asc_tf.data.logits_file`
LONGEST_LABEL_BYTES = 72  # three labels fit into a file name, whose limit is 255
LONGEST_PART_BYTES = 255  # of a path, on the usual file systems
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BLANKS = re.compile(r"[^\S\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # white space without control characters
_UNUSUAL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]|^/|/$|//|(?:^|/)\.{1,2}(?:/|$)|[^/]{64}")


def plain(name):
    """A label without blanks around it, with single blanks inside, and with composed accents (Unicode NFC)."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", name)).strip(" ")


def spelling(name):
    """A form in which labels that look alike are equal: no case, underscores as blanks, Unicode NFKC."""
    return plain(unicodedata.normalize("NFKC", name).casefold().replace("_", " "))


def label_problem(name, is_folder=True):
    """The fault of a label in `plain` form; "" if there is none.

    Args:
        name: of a scene, device or location.
        is_folder: whether it is a scene or device, whose names also become table rows and folders.
    """
    if not name:
        return "is empty"
    if found := _CONTROL.search(name):
        return f"holds a control character (U+{ord(found[0]):04X}); expected one line of text"
    if not name.isprintable():
        character = next(character for character in name if not character.isprintable())
        return f"holds U+{ord(character):04X}, which cannot be seen; expected text that can be printed"
    if len(name.encode()) > LONGEST_LABEL_BYTES:
        return f"is {len(name.encode()):,} bytes long; expected {LONGEST_LABEL_BYTES} at the most"
    if is_folder and (name.startswith(".") or "/" in name or "\\" in name):
        return "cannot name a folder; expected a name without / and \\ that does not begin with a dot"
    if is_folder and name.casefold() in _TAKEN:
        return "is a row or a column of the result tables itself; expected another name"
    return ""


def filename_problem(name):
    """The fault of the name of a file below a data set's folder; "" if there is none."""
    if not name:
        return "is empty"
    if not _UNUSUAL.search(name):
        return ""
    if found := _CONTROL.search(name):
        return f"holds a control character (U+{ord(found[0]):04X}); expected one line of text"
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        return "leads out of the data set's folder; expected a name relative to it, without .."
    if "\\" in name:
        return "holds a backslash; expected / between folders"
    if "" in parts or "." in parts:
        return "has an empty part or a dot alone; expected folders and a file, each with a name"
    if any(len(part.encode()) > LONGEST_PART_BYTES for part in parts):
        return f"has a part longer than {LONGEST_PART_BYTES} bytes, which no file system holds"
    return ""


def check_labels(source, kind, names, is_folder=True):
    """Raise an AscError if a name is invalid or occurs twice, as in the list of devices in a run's file.

    Args:
        source: file with the names, for the sentence.
        kind: "scene" or "device".
        names: list of texts.
        is_folder: as of `label_problem`.
    """
    spellings = {}
    for name in names:
        problem = label_problem(name, is_folder) if isinstance(name, str) else "is no text"
        if not problem and plain(name) != name:
            problem = "has blanks too many or accents apart"
        if problem:
            raise AscError(f"{source}: {kind} {shown(str(name))} {problem}")
        other = spellings.setdefault(spelling(name), name)
        if other is not name:
            raise AscError(f"{source}: has {kind}s {shown(other)} and {shown(name)}; expected one spelling of each")


def names_on_disk(root, filenames):
    """The names as spelled on the disk, where accents may be composed or decomposed (Unicode NFC, NFD).

    Args:
        root: folder of the files.
        filenames: in Unicode NFC; a name that matches no file in any form is returned unchanged.
    """
    listed = {}  # {folder: {name in NFC: name on the disk}}

    def spelled(name):
        if name.isascii() or os.path.lexists(os.path.join(root, name)):
            return name
        found = ""
        for part in name.split("/"):
            if found not in listed:
                with contextlib.suppress(OSError):
                    entries = os.listdir(os.path.join(root, found))
                    listed[found] = {unicodedata.normalize("NFC", entry): entry for entry in entries}
            found = os.path.join(found, listed.get(found, {}).get(part, part))
        return found if os.path.lexists(os.path.join(root, found)) else name

    return [spelled(name) for name in filenames]
