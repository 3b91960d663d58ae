import pytest

from asc_tf.complexity.account import FRONTEND, NETWORK, Account, LayerAccount, Operations
from asc_tf.complexity.parameters import Parameters
from asc_tf.complexity.rules import verdicts
from asc_tf.errors import AscError


def account(*parameters, macs=0, source="keras", seconds=1.0, part=NETWORK, unaccounted=()):
    layer = LayerAccount("layer", "Conv2D", part, (1,), "float32", 4, parameters, Operations(macs), unaccounted)
    return Account("network", source, (layer,), seconds=seconds)


def kernel(count, nonzeros=None, dtype="float32"):
    return Parameters("kernel", "kernel", dtype, count, count if nonzeros is None else nonzeros)


def checks(judged):
    """{year: counts of its checks}."""
    return {verdict.year: [check.count for check in verdict.checks] for verdict in verdicts(judged)}


def passing(judged):
    return [verdict.year for verdict in verdicts(judged) if verdict.passes]


def test_2021_counts_bytes_of_what_is_not_zero_up_to_128_times_1024():
    assert checks(account(kernel(100_000, 32_768)))[2021] == [131_072]
    assert 2021 in passing(account(kernel(100_000, 32_768)))
    assert 2021 not in passing(account(kernel(100_000, 32_769)))


def test_2022_counts_zeros_and_gives_sparsity_nothing():
    assert checks(account(kernel(128_000, 1)))[2022] == [128_000, 0]
    assert {2022, 2023} <= set(passing(account(kernel(128_000, 1))))
    assert not {2022, 2023} & set(passing(account(kernel(128_001, 1))))


def test_2024_counts_bytes_at_the_type_of_inference():
    half = account(kernel(64_000, dtype="float16"))
    assert checks(half)[2024] == [128_000, 0] and 2024 in passing(half)
    assert 2024 not in passing(account(kernel(64_001, dtype="float16")))
    (_, _, _, verdict, _) = verdicts(account(kernel(64_000)))
    assert not verdict.passes and "in float16 they would take 128,000 bytes" in verdict.remarks


def test_2025_has_the_limits_of_2024_for_the_network_of_each_device():
    *_, before, verdict = verdicts(account(kernel(64_000), macs=30_000_001))
    assert verdict.checks == before.checks and verdict.year == 2025
    assert verdict.remarks == (*before.remarks, "for the network of each device by itself")


def test_moving_statistics_count_in_2021_alone():
    norm = [Parameters(name, kind, "float32", 5, 5) for name, kind in (("gamma", "norm"), ("moving_mean", "statistic"))]
    assert checks(account(kernel(100), *norm)) == {
        2021: [440],
        2022: [105, 0],
        2023: [105, 0],
        2024: [420, 0],
        2025: [420, 0],
    }


def test_macs_are_judged_by_their_share_of_a_second():
    ten = account(macs=300_000_000, seconds=10.0)
    assert checks(ten)[2022][1] == 30_000_000 and 2022 in passing(ten)
    assert not {2022, 2023, 2024} & set(passing(account(macs=300_000_001, seconds=10.0)))
    assert checks(account(macs=20_000_000, seconds=0.5))[2024][1] == 40_000_000
    assert "10 s with 300,000,000 MACs" in verdicts(ten)[1].remarks[0]


def outcomes(judged):
    return [verdict.passes for verdict in verdicts(judged)]


@pytest.mark.parametrize("macs", [1, 30_000_001])
def test_what_an_input_of_unknown_length_takes_in_a_second_is_unknown(macs):
    unknown = account(macs=macs, seconds=None)
    assert outcomes(unknown) == [True, None, None, None, None]
    assert "of how many seconds it is, is not known: give --seconds" in verdicts(unknown)[1].remarks[0]
    assert outcomes(account(kernel(128_001), macs=macs, seconds=None)) == [False] * 5  # whatever the MACs are
    assert outcomes(account(seconds=None)) == [True] * 5  # none are none in any time


def test_a_limit_that_may_be_exceeded_is_not_passed():
    assert outcomes(account(macs=1, unaccounted=("While",))) == [True, None, None, None, None]
    assert outcomes(account(macs=30_000_001, unaccounted=("While",))) == [True, False, False, False, False]
    (_, macs) = verdicts(account(macs=1, unaccounted=("While",)))[1].checks
    assert (macs.count, macs.at_least, macs.passes) == (1, True, None)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(seconds):
    with pytest.raises(AscError, match="network: has an input of .* seconds; expected a positive number"):
        account(seconds=seconds)


def test_an_excess_says_by_how_much():
    (parameters, macs) = verdicts(account(kernel(130_000), macs=29_000_000))[1].checks
    assert (parameters.excess, parameters.passes, macs.excess, macs.passes) == (2_000, False, -1_000_000, True)
    assert parameters.bytes == 130_000


def test_the_frontend_is_in_no_rule():
    assert checks(account(kernel(10**9), macs=10**9, part=FRONTEND)) == {
        2021: [0],
        2022: [0, 0],
        2023: [0, 0],
        2024: [0, 0],
        2025: [0, 0],
    }


def test_a_file_of_wider_types_is_told_that_2022_asks_for_int8():
    stored = [Parameters("bias", "bias", "int32", 4, 4), kernel(9, dtype="int8")]
    assert verdicts(account(*stored, source="tflite"))[1].remarks == ()
    wide = verdicts(account(*stored, kernel(9), source="tflite"))
    assert "the rule asks for int8; the file stores float32" in wide[1].remarks
    assert wide[3].remarks == ()


def test_what_is_not_accounted_for_is_said():
    assert "MACs may be more" in verdicts(account(unaccounted=("While",)))[3].remarks[0]
