"""JSON of settings, read strictly: what is ambiguous or no JSON is refused, and no text ends in a traceback."""

import json

from asc_tf.atomic import read_checked
from asc_tf.errors import AscError


def read_json(path):
    """What a JSON file holds.

    Raises:
        AscError: it is damaged (`asc_tf.atomic.read_checked`), it is not UTF-8, or as `parse_json`.
        OSError: it cannot be read.
    """
    content = read_checked(path)
    try:
        return parse_json(content.decode(), path)
    except UnicodeDecodeError as error:
        raise AscError(f"{path}: is no text in UTF-8 (byte {error.start})") from None


def parse_json(text, source):
    """What a JSON text holds; `source` names it in errors.

    Raises:
        AscError: not JSON, or JSON that Python reads but that says nothing certain: a key given twice, NaN and
            Infinity, or lists nested too deeply to be read.
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
    # Python refuses to read some thousand digits; no setting is a whole number that long, and a float's range is told.
    return int(digits) if len(digits) < 100 else float(digits)
