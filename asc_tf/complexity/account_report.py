"""An account as a text table and as a dict for JSON. Needs no TensorFlow."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from asc_tf.complexity.account import FRONTEND, NETWORK, sum_of
from asc_tf.complexity.parameters import bytes_by_type
from asc_tf.complexity.rules import KB, KILOBYTE, UNKNOWN, VERDICTS, Check, verdicts
from asc_tf.terminal import WIDTH, table_text

if TYPE_CHECKING:
    from asc_tf.complexity.account import Account

_COLUMNS = ("layer", "operation", "output", "parameters", "non-zero", "MACs", "mult.", "functions", "output bytes")
_LEFT = 3
_ROOM = 128 * KB  # flash and RAM of small chips
_BLANK = "?"  # an unknown number in a narrow column
_FITS = {True: "fits", False: "does not fit", None: UNKNOWN}
_FOLDED = "Batch normalizations are folded into the kernels before them; their multiplications are in no sum."


def size_text(count):
    """Bytes, in KB of 1024 and in kB of 1000: '62,335 bytes (60.9 KB, 62.3 kB)'; 'unknown' for None."""
    if count is None:
        return UNKNOWN
    return f"{count:,} bytes ({_in_thousands(count)})"


def _in_thousands(count):
    return f"{count / KB:,.1f} KB, {count / KILOBYTE:,.1f} kB"


def account_text(account: Account) -> str:
    """The table of layers, the verdict of every year, the sums, and whether 128 KB are enough.

    Multiplications ("mult.") and functions have columns beside the MACs and are not part of them. A frontend is one
    row. The table is at most 100 columns wide; a wider one is folded.
    """
    rows = [_COLUMNS]
    frontend = [layer for layer in account.layers if layer.part == FRONTEND]
    if frontend:
        rows.append(_row(f"{len(frontend)} operators", FRONTEND, "", frontend))
    network = [layer for layer in account.layers if layer.part == NETWORK]
    rows += [_row(layer.name, _operation(layer), _shape(layer.output_shape), [layer]) for layer in network]
    rows.append(_row("network", "", "", network))
    table = table_text(rows, left=_LEFT, repeated=1)
    lines = [*_verdict_lines(account), "", *_sums(account), *_room_lines(account)]
    return "\n".join([table, "", *(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)])


def account_dict(account):
    """All of an account and its verdicts in plain dicts, lists, strings and numbers."""
    return {
        "name": account.name,
        "source": account.source,
        "seconds": account.seconds,
        "file_bytes": account.file_bytes,
        "remarks": list(account.remarks),
        "receptive_field": account.receptive_field and {k: list(v) for k, v in account.receptive_field.items()},
        "parts": {part: _part_dict(account, part) for part in account.parts()},
        "layers": [_layer_dict(layer) for layer in account.layers],
        "rules": [_verdict_dict(verdict) for verdict in verdicts(account)],
        "fits_128_kb": {check.quantity: check.passes for check in _room(account).values()},
    }


def _row(name, operation, shape, layers):
    parameters = [tensor for layer in layers for tensor in layer.parameters]
    operations = [layer.operations for layer in layers]
    numbers = (
        sum(tensor.count for tensor in parameters),
        sum(tensor.nonzeros for tensor in parameters),
        sum(each.macs for each in operations),
        sum(each.multiplications for each in operations),
        sum(each.functions for each in operations),
        sum_of(layer.output_bytes for layer in layers),
    )
    return (name, operation, shape, *(_BLANK if number is None else f"{number:,}" for number in numbers))


def _operation(layer):
    """The layer's operation, and the number of runs per clip unless it is one."""
    return layer.operation + ("" if layer.times == 1 else f" x {_BLANK if layer.times is None else layer.times}")


def _shape(shape):
    return "x".join(_BLANK if length is None else str(length) for length in shape)


def _sums(account):
    for part in account.parts():
        parameters, operations = account.parameters(part), account.operations(part)
        totals = _part_dict(account, part)
        trained = f", {totals['trainable']:,} trainable" if account.source == "keras" else ""
        yield f"{part}: {totals['parameters']:,} parameters{trained}, {totals['nonzeros']:,} not zero"
        yield f"  stored: {_types(bytes_by_type(parameters))}"
        least = "at least " if account.unaccounted(part) else ""
        yield (
            f"  {least}{operations.macs:,} MACs; besides {operations.multiplications:,} multiplications "
            f"and {operations.functions:,} values of functions"
        )
        peak = account.peaks[part]
        yield f"  peak of the features: {size_text(peak.bytes)}{f' at {peak.layer}' if peak.layer else ''}"
    if account.macs_per_second() is not None:
        yield f"MACs per 1 s: {account.macs_per_second():,} (input of {account.seconds:g} s)"
    if account.receptive_field:
        fields = (f"{_shape(field)} ({way})" for way, field in account.receptive_field.items())
        yield f"receptive field: {', '.join(fields)}"
    if account.file_bytes is not None:
        yield f"file: {size_text(account.file_bytes)}. {_FOLDED}"
    for part in account.parts():
        if account.unaccounted(part):
            yield f"not accounted for: {', '.join(account.unaccounted(part))}"
    yield from (f"({remark})" for remark in account.remarks)


def _types(totals):
    return ", ".join(f"{dtype} {size_text(count)}" for dtype, count in totals.items()) or "nothing"


def _verdict_lines(account):
    for verdict in verdicts(account):
        yield f"DCASE {verdict.year}: {VERDICTS[verdict.passes]}"
        yield from (f"  {check_text(check)}" for check in verdict.checks)
        yield from (f"  ({remark})" for remark in verdict.remarks)


def _room(account):
    """Whether 128 KB are enough, {quantity: `Check`}. RAM holds the features; the interpreter's needs come on top."""
    stored = sum(account.bytes_by_type().values())
    peaks = [peak.bytes for peak in account.peaks.values()]
    file = (
        Check("parameters", stored, _ROOM) if account.file_bytes is None else Check("file", account.file_bytes, _ROOM)
    )
    return {
        "as a file": file,
        "as RAM": Check("features at their peak", None if None in peaks else max(peaks), _ROOM),
    }


def _room_lines(account):
    for place, check in _room(account).items():
        found = "" if check.count is None else f", {check.quantity} of {check.count:,} bytes, {_excess(check)}"
        yield f"128 KB {place}: {_FITS[check.passes]}{found}"


def check_text(check):
    """A limit and what is left of it: 'MACs per 1 s: 31,000,000 of 30,000,000, 1,000,000 too many'."""
    if check.count is None:
        return f"{check.quantity}: {UNKNOWN} of {check.limit:,}"
    least = "at least " if check.at_least else ""
    size = "" if check.bytes is None else f" ({_in_thousands(check.bytes)})"
    room = "" if check.passes is None else f", {_excess(check)}"
    return f"{check.quantity}: {least}{check.count:,}{size} of {check.limit:,}{room}"


def _excess(check):
    return f"{check.excess:,} too many" if check.excess > 0 else f"{-check.excess:,} left"


def _part_dict(account, part):
    parameters, operations = account.parameters(part), account.operations(part)
    return {
        "parameters": sum(tensor.count for tensor in parameters),
        "trainable": account.trainable_parameters(part),
        "nonzeros": sum(tensor.nonzeros for tensor in parameters),
        "bytes": sum(tensor.bytes for tensor in parameters),
        "nonzero_bytes": sum(tensor.nonzero_bytes for tensor in parameters),
        "bytes_by_type": account.bytes_by_type(part),
        "macs": operations.macs,
        "macs_per_second": account.macs_per_second() if part == NETWORK else None,
        "multiplications": operations.multiplications,
        "functions": operations.functions,
        "peak_activation_bytes": account.peaks[part].bytes,
        "peak_layer": account.peaks[part].layer,
        "activation_bytes_by_type": account.activation_bytes_by_type(part),
        "unaccounted": account.unaccounted(part),
    }


def _layer_dict(layer):
    return {
        "name": layer.name,
        "operation": layer.operation,
        "times": layer.times,
        "part": layer.part,
        "output_shape": list(layer.output_shape),
        "output_dtype": layer.output_dtype,
        "output_bytes": layer.output_bytes,
        "macs": layer.operations.macs,
        "multiplications": layer.operations.multiplications,
        "functions": layer.operations.functions,
        "unaccounted": list(layer.unaccounted),
        "parameters": [
            {
                "name": tensor.name,
                "kind": tensor.kind,
                "dtype": tensor.dtype,
                "count": tensor.count,
                "nonzeros": tensor.nonzeros,
                "trainable": tensor.trainable,
            }
            for tensor in layer.parameters
        ],
    }


def _verdict_dict(verdict):
    return {
        "year": verdict.year,
        "passes": verdict.passes,
        "checks": [
            {
                "quantity": check.quantity,
                "count": check.count,
                "at_least": check.at_least,
                "limit": check.limit,
                "passes": check.passes,
                "excess": check.excess,
                "bytes": check.bytes,
                "KB": None if check.bytes is None else round(check.bytes / KB, 1),
                "kB": None if check.bytes is None else round(check.bytes / KILOBYTE, 1),
            }
            for check in verdict.checks
        ],
        "remarks": list(verdict.remarks),
    }
