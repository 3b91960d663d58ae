"""JSON of settings, read strictly: ambiguous or invalid JSON is refused, and no text causes a traceback."""

import json

from asc_tf.atomic import read_checked
from asc_tf.errors import AscError


def read_json(path):
    """The content of a JSON file.

    Raises:
        AscError: it is damaged (`asc_tf.atomic.read_checked`), it is not UTF-8, or as `parse_json`.
        OSError: the file cannot be read.
    """
    content = read_checked(path)
    try:
        return parse_json(content.decode(), path)
    except UnicodeDecodeError as error:
        raise AscError(f"{path}: is no text in UTF-8 (byte {error.start})") from None


def parse_json(text, source):
    """The content of a JSON text; `source` names it in errors.

    Raises:
        AscError: not JSON, or JSON that Python reads but that is ambiguous: a key given twice, NaN and Infinity, or
            lists nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise AscError(f"{source}: holds no settings of asc-tf (is nested too deeply)") from None
    except ValueError as error:
        raise AscError(f"{source}: holds no settings of asc-tf ({error})") from None


def _object(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {json.dumps(twice)} is given twice")
    return found


def _no_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def _integer(digits):
    # Python refuses to read some thousand digits. No setting is such a long whole number; floats report their range.
    return int(digits) if len(digits) < 100 else float(digits)
