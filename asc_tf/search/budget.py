"""What a network that is searched for may cost."""

import dataclasses
import math
import re
from dataclasses import dataclass

from asc_tf.complexity.rules import KB, verdicts
from asc_tf.errors import AscError

TYPES = {"kernel": "int8", "rest": "float16"}
"""in which its parameters are counted: those of the papers' submissions, and of `asc-tf compress`"""
YEARS = ("2021", "2022", "2024")
LIMITS = ("bytes", "macs", "latency_ms")
_UNITS = {"": 1, "K": 1000, "KB": KB, "M": 10**6, "MB": KB**2}


@dataclass(frozen=True)
class Cost:
    """Of one network: trainable parameters, bytes of all that a deployed one stores, MACs of a clip, milliseconds."""

    parameters: int
    bytes: int
    macs: int
    latency_ms: float | None = None


@dataclass(frozen=True)
class Budget:
    """Limits on a `Cost`, or the rules of a year.

    Args:
        text: as the user gave it.
        year: whose rules hold, see `asc_tf.complexity.rules.verdicts`, or None.
        bytes: of the parameters, kernels in 8 bits and all else in 16, moving means and variances not counted, for
            export folds them into the kernels.
        macs: of a whole clip.
        latency_ms: of one inference of the 8-bit .tflite file of features on this machine, on one thread.
    """

    text: str
    year: int | None = None
    bytes: float = math.inf
    macs: float = math.inf
    latency_ms: float = math.inf

    def admits(self, account):
        """Whether a network of this `Account`, untrained or trained, is within the limits, but for latency."""
        if self.year:
            (verdict,) = (verdict for verdict in verdicts(counted(account)) if verdict.year == self.year)
            return verdict.passes is True
        cost = cost_of(account)
        return cost.bytes <= self.bytes and cost.macs <= self.macs


def parse_budget(text):
    """The Budget of "2021", "2022", "2024" or of limits such as "bytes=24KB,macs=30M,latency_ms=5".

    K is 1,000, M 1,000,000, KB 1,024 and MB 1,024².

    Raises:
        AscError: it is none.
    """
    if text in YEARS:
        return Budget(text, year=int(text))
    limits = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(|K|KB|M|MB)", value)
        if name not in LIMITS or not found or name in limits or float(found[1]) == 0:
            raise AscError(
                f"--budget {text}: '{item}' is no limit; expected {', '.join(YEARS)} or limits such as "
                "bytes=24KB,macs=30M,latency_ms=5"
            )
        limits[name] = float(found[1]) * _UNITS[found[2]]
    return Budget(text, **limits)


def counted(account):
    """An account as of a trained, compressed network: in TYPES, and no parameter is 0 by having just been made."""
    layers = [
        dataclasses.replace(layer, parameters=tuple(dataclasses.replace(p, nonzeros=p.count) for p in layer.parameters))
        for layer in account.layers
    ]
    return dataclasses.replace(account, layers=tuple(layers)).with_types(TYPES)


def cost_of(account, latency_ms=None):
    """The Cost of a network of this `Account`."""
    stored = counted(account).parameters()
    return Cost(
        sum(tensor.count for tensor in stored if tensor.trainable),
        sum(tensor.bytes for tensor in stored if tensor.kind != "statistic"),
        account.operations().macs,
        latency_ms,
    )
