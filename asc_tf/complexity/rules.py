"""One verdict for each year's complexity rules of the challenge. Needs no TensorFlow."""

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


@dataclass(frozen=True)
class Check:
    """One limit of a year.

    Args:
        quantity: what is counted.
        count: how many there are, None if that is not known.
        limit: how many there may be.
        bytes: in which they are stored.
        at_least: whether there may be more than `count`.
    """

    quantity: str
    count: int | None
    limit: int
    bytes: int | None = None
    at_least: bool = False

    @property
    def passes(self):
        """True, False, or None: not known."""
        if self.count is None:
            return None
        return False if self.count > self.limit else None if self.at_least else True

    @property
    def excess(self):
        """By how much the limit is exceeded; negative is what is left of it; None: not known."""
        return None if self.count is None else self.count - self.limit


@dataclass(frozen=True)
class Verdict:
    """What one year's rules say of a network, and what must be known besides."""

    year: int
    checks: tuple[Check, ...]
    remarks: tuple[str, ...] = ()

    @property
    def passes(self):
        """True, False, or None: no limit is known to be exceeded, and of one it is not known that it is kept."""
        found = {check.passes for check in self.checks}
        return False if False in found else None if None in found else True


def verdicts(account: Account) -> list[Verdict]:
    """Judge the network of an account by the rules of the DCASE challenge's tasks of 2021 to 2024.

    - 2021: the parameters that are not zero, each at the width of the type that it is stored in, take at most 128 KB of
      1024 bytes (some of that year's pages read it as 128,000 bytes). Every stored vector counts: of a batch
      normalization all four in a Keras model, in a .tflite file what folding leaves. There is no limit on MACs.
    - 2022: at most 128,000 parameters, zeros included, at int8, and 30 million MACs. Moving means and variances do not
      count: int8 inference has them folded, and the organizers' counter takes the trained parameters of a Keras model.
    - 2023: the same limits; systems were ranked on accuracy, memory and MACs together.
    - 2024: at most 128,000 bytes, zeros included, at the type of inference, gamma and beta counted, moving means and
      variances not; 30 million MACs.

    MACs: since 2022 a clip is 1 s and the limit holds for one inference on it. A network for longer clips does not take
    part as it is; it is judged by the MACs of its whole input divided by the input's seconds, which for convolutions is
    what 1 s of the input costs (a second that stands alone has edges of its own and may cost some more). A network for
    shorter clips is likewise judged by all that it takes to hear 1 s. Where the length of the input is not known, nor
    are the MACs of 1 s; where some operations are not accounted for, there may be more. A limit that may be exceeded is
    not passed: the verdict is unknown. MACs are those of convolutions and dense layers; the account's other
    multiplications, the frontend's parameters and its operations are in no rule.

    Args:
        account: `Account`; for another type of inference than the stored one, `account.with_types(...)`.

    Returns:
        A list of `Verdict`, 2021 to 2024.

    Examples:
        >>> import asc_tf
        >>> account = asc_tf.keras_account(asc_tf.bc_resnet_asc((32, 34, 1), width=4, depth=(1, 1, 1, 1)), seconds=1.0)
        >>> [verdict.year for verdict in asc_tf.verdicts(account)]
        [2021, 2022, 2023, 2024]
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
    return [
        Verdict(2021, (Check("bytes of non-zero parameters", nonzero_bytes, BYTES_2021, bytes=nonzero_bytes),)),
        Verdict(2022, (at_int8, macs), (*wide, *remarks)),
        Verdict(2023, (at_int8, macs), (*wide, *remarks, "ranked on accuracy, memory and MACs together")),
        Verdict(
            2024,
            (Check("bytes of parameters, zeros included", inference_bytes, BYTES_2024, bytes=inference_bytes), macs),
            (f"in float16 they would take {half:,} bytes", *remarks)
            if half <= BYTES_2024 < inference_bytes
            else remarks,
        ),
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
    """A remark if a .tflite file stores what the rule wants in int8 in a wider type."""
    # int32 biases of an int8 convolution are what every int8 file has.
    wide = sorted({p.dtype for p in parameters if p.dtype != "int8" and not (p.kind == "bias" and p.dtype == "int32")})
    return (
        (f"the rule asks for int8; the file stores {', '.join(wide)}",) if wide and account.source == "tflite" else ()
    )
