"""Limits on the cost of a searched network."""

import dataclasses
import math
import re
from dataclasses import dataclass

from asc_tf.complexity.rules import KB, verdicts
from asc_tf.errors import AscError

TYPES = {"kernel": "int8", "rest": "float16"}
"""types for counting its parameters: those of the papers' submissions and of `asc-tf compress`"""
YEARS = ("2021", "2022", "2024", "2025")
LIMITS = ("bytes", "macs", "latency_ms", "ram", "flash")
EXAMPLE = "bytes=24KB,macs=30M,latency_ms=5,ram=64KB,flash=128KB"
_UNITS = {"": 1, "K": 1000, "KB": KB, "M": 10**6, "MB": KB**2}


@dataclass(frozen=True)
class Cost:
    """Cost of a network: trainable parameters, bytes stored when deployed, MACs per clip, milliseconds.

    On a microcontroller: RAM and flash of `asc_tf.micro.footprint.Footprint`, its arena, and whether `tflite-micro`
    measured this. What no budget limits is None.
    """

    parameters: int
    bytes: int
    macs: int
    latency_ms: float | None = None
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    arena_bytes: int | None = None
    arena_is_measured: bool | None = None


@dataclass(frozen=True)
class Budget:
    """Limits on a `Cost`, or the rules of a year.

    Args:
        text: the user's text.
        year: whose rules hold, see `asc_tf.complexity.rules.verdicts`, or None.
        bytes: of the parameters, kernels in 8 bits and the rest in 16; moving means and variances do not count, since
            export folds them into the kernels.
        macs: of a whole clip.
        latency_ms: of one inference of the 8-bit .tflite file of features on this machine, on one thread.
        ram, flash: bytes on a microcontroller, as `asc-tf export --target micro` counts them.
    """

    text: str
    year: int | None = None
    bytes: float = math.inf
    macs: float = math.inf
    latency_ms: float = math.inf
    ram: float = math.inf
    flash: float = math.inf

    @property
    def limits_chip(self):
        """Whether RAM or flash of a microcontroller are limited."""
        return min(self.ram, self.flash) < math.inf

    def admits(self, account):
        """Whether a network with this `Account`, untrained or trained, is within the limits of bytes and MACs."""
        if self.year:
            (verdict,) = (verdict for verdict in verdicts(counted(account)) if verdict.year == self.year)
            return verdict.passes is True
        cost = cost_of(account)
        return cost.bytes <= self.bytes and cost.macs <= self.macs

    def admits_on_chip(self, footprint):
        """Whether a network with this `Footprint` is within the limits of RAM and flash."""
        return footprint.ram <= self.ram and footprint.flash <= self.flash


def parse_budget(text):
    """The Budget of "2021", "2022", "2024", "2025" or of limits such as EXAMPLE.

    K is 1,000, M 1,000,000, KB 1,024 and MB 1,024².

    Raises:
        AscError: not a valid budget.
    """
    if text in YEARS:
        return Budget(text, year=int(text))
    limits = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(|K|KB|M|MB)", value)
        if name not in LIMITS or not found or name in limits or float(found[1]) == 0:
            raise AscError(
                f"--budget {text}: '{item}' is no limit; expected {', '.join(YEARS)} or limits such as {EXAMPLE}"
            )
        limits[name] = float(found[1]) * _UNITS[found[2]]
    return Budget(text, **limits)


def counted(account):
    """An account as for a trained, compressed network: in TYPES, and without the zeros of new parameters."""
    layers = [
        dataclasses.replace(layer, parameters=tuple(dataclasses.replace(p, nonzeros=p.count) for p in layer.parameters))
        for layer in account.layers
    ]
    return dataclasses.replace(account, layers=tuple(layers)).with_types(TYPES)


def cost_of(account, latency_ms=None, footprint=None):
    """The Cost of a network with this `Account` and, on a microcontroller, this `Footprint`."""
    stored = counted(account)
    cost = Cost(
        stored.trainable_parameters(),
        sum(tensor.bytes for tensor in stored.parameters() if tensor.kind != "statistic"),
        account.operations().macs,
        latency_ms,
    )
    if footprint is None:
        return cost
    return dataclasses.replace(
        cost,
        ram_bytes=footprint.ram,
        flash_bytes=footprint.flash,
        arena_bytes=footprint.arena.bytes,
        arena_is_measured=footprint.arena.measured,
    )
