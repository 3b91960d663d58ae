"""Numbers as C source."""

import textwrap

import numpy as np

_FLOATS = {np.dtype(np.float32): "float"}
_WIDTH = 116


def array(name, values, prefix="const"):
    """A definition of a C array, flat, with the type of a numpy array."""
    values = np.ascontiguousarray(values)
    flat = values.ravel()
    if values.dtype in _FLOATS:
        numbers = (f"{float(value):.9g}" for value in flat)
        text = ", ".join(f"{number}f" if "." in number or "e" in number else f"{number}.0f" for number in numbers)
    else:
        text = ", ".join(map(str, flat.tolist()))
    lines = "\n".join(textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))
    return f"{prefix} {c_type(values.dtype)} {name}[{flat.size}] = {{\n{textwrap.indent(lines, '    ')}\n}};\n"


def declaration(name, values):
    """The declaration that belongs to `array`."""
    values = np.asarray(values)
    return f"extern const {c_type(values.dtype)} {name}[{values.size}];\n"


def c_type(dtype):
    return _FLOATS.get(np.dtype(dtype)) or f"{np.dtype(dtype).name}_t"


def literal(value):
    """A float of single precision."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def string(text):
    """A C string literal of any text, in UTF-8."""
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode()
    )
    return f'"{escaped}"'
