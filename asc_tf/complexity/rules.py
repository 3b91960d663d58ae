"""One verdict per year of the challenge's complexity rules. Needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asc_tf.complexity.parameters import with_types

if TYPE_CHECKING:
    from asc_tf.complexity.account import Account

KB, KILOBYTE = 1024, 1000
BYTES_2021 = 128 * KB
PARAMETERS_2022 = 128_000
BYTES_2024 = 128_000
MACS_PER_SECOND = 30_000_000
UNKNOWN = "unknown"
VERDICTS = {True: "passes", False: "does not pass", None: UNKNOWN}
"""The words for `Verdict.passes`, wherever one is shown."""


@dataclass(frozen=True)
class Check:
    """One limit of a year.

    Args:
        quantity: the counted quantity.
        count: its value, None if unknown.
        limit: largest allowed value.
        bytes: bytes that they take in storage.
        at_least: whether the true value may exceed `count`.
    """

    quantity: str
    count: int | None
    limit: int
    bytes: int | None = None
    at_least: bool = False

    @property
    def passes(self):
        """True, False, or None if unknown."""
        if self.count is None:
            return None
        return False if self.count > self.limit else None if self.at_least else True

    @property
    def excess(self):
        """Excess over the limit; negative: the remainder; None: unknown."""
        return None if self.count is None else self.count - self.limit


@dataclass(frozen=True)
class Verdict:
    """The verdict of one year's rules on a network, with remarks."""

    year: int
    checks: tuple[Check, ...]
    remarks: tuple[str, ...] = ()

    @property
    def passes(self):
        """True, False, or None: no limit is known to be exceeded, and at least one is not known to be kept."""
        found = {check.passes for check in self.checks}
        return False if False in found else None if None in found else True


def verdicts(account: Account) -> list[Verdict]:
    """Judge the network of an account by the rules of the DCASE challenge's tasks of 2021 to 2025.

    - 2021: the nonzero parameters, each at the width of its stored type, take at most 128 KB of 1024 bytes (some of
      that year's pages read it as 128,000 bytes). Every stored vector counts: all four of a batch normalization in a
      Keras model; in a .tflite file the remainder after folding. There is no limit on MACs.
    - 2022: at most 128,000 parameters, zeros included, at int8, and 30 million MACs. Moving means and variances do not
      count: int8 inference has them folded, and the organizers' counter takes the trained parameters of a Keras model.
    - 2023: the same limits; systems were ranked on accuracy, memory and MACs together.
    - 2024: at most 128,000 bytes, zeros included, at the type of inference, gamma and beta counted, moving means and
      variances not; 30 million MACs.
    - 2025: the same limits. They hold for the network of each device, not for the sum of them.

    MACs: since 2022 a clip is 1 s and the limit holds for one inference on it. A network for longer clips does not
    qualify unchanged: it is judged by the MACs of its whole input divided by the input's seconds. For convolutions this
    is the cost of 1 s of the input (a separate second has its own edges and may cost some more). A network for shorter
    clips is judged by all inferences needed for 1 s. If the length of the input is unknown, so are the MACs of 1 s; if
    some operations are not accounted for, there may be more MACs. A limit that may be exceeded is not passed: the
    verdict is unknown. MACs are those of convolutions and dense layers; no rule covers the account's other
    multiplications or the frontend's parameters and operations.

    Args:
        account: `Account`; for another type of inference than the stored one, `account.with_types(...)`.

    Returns:
        A list of `Verdict`, 2021 to 2025.

    Examples:
        >>> import asc_tf
        >>> account = asc_tf.keras_account(asc_tf.cp_mobile((32, 34, 1), width=8, depth=(1,)), seconds=1.0)
        >>> [verdict.year for verdict in asc_tf.verdicts(account)]
        [2021, 2022, 2023, 2024, 2025]
    """
    stored = account.parameters()
    folded = [tensor for tensor in stored if tensor.kind != "statistic"]
    nonzero_bytes = sum(tensor.nonzero_bytes for tensor in stored)
    count = sum(tensor.count for tensor in folded)
    inference_bytes = sum(tensor.bytes for tensor in folded)
    macs, remarks = _macs(account)
    half = sum(tensor.bytes for tensor in with_types(folded, {"rest": "float16"}))
    at_int8 = Check("parameters, zeros included, at int8", count, PARAMETERS_2022, bytes=count)
    wide = _wide_types(account, folded)
    at_inference = Check("bytes of parameters, zeros included", inference_bytes, BYTES_2024, bytes=inference_bytes)
    narrower = (f"in float16 they would take {half:,} bytes",) if half <= BYTES_2024 < inference_bytes else ()
    return [
        Verdict(2021, (Check("bytes of non-zero parameters", nonzero_bytes, BYTES_2021, bytes=nonzero_bytes),)),
        Verdict(2022, (at_int8, macs), (*wide, *remarks)),
        Verdict(2023, (at_int8, macs), (*wide, *remarks, "ranked on accuracy, memory and MACs together")),
        Verdict(2024, (at_inference, macs), (*narrower, *remarks)),
        Verdict(2025, (at_inference, macs), (*narrower, *remarks, "for the network of each device by itself")),
    ]


def _macs(account):
    """(Check of the MACs, remarks)."""
    total, remarks, count = account.operations().macs, [], account.macs_per_second()
    at_least = bool(account.unaccounted())
    if account.seconds is None and (total or at_least):
        remarks.append(f"the input takes {total:,} MACs, but of how many seconds it is, is not known: give --seconds")
    elif account.seconds is None:
        count = 0
    elif account.seconds != 1:
        remarks.append(f"the input is {account.seconds:g} s with {total:,} MACs: judged by their share of 1 s")
    if at_least:
        remarks.append("some operations are not accounted for: MACs may be more")
    return Check("MACs per 1 s", count, MACS_PER_SECOND, at_least=at_least), tuple(remarks)


def _wide_types(account, parameters):
    """A remark if a .tflite file stores in a wider type what the rule counts as int8."""
    # Every int8 file has int32 biases.
    wide = sorted({p.dtype for p in parameters if p.dtype != "int8" and not (p.kind == "bias" and p.dtype == "int32")})
    return (
        (f"the rule asks for int8; the file stores {', '.join(wide)}",) if wide and account.source == "tflite" else ()
    )
