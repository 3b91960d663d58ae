import math

import pytest

from asc_tf.complexity.keras_account import keras_account
from asc_tf.errors import AscError
from asc_tf.models import bc_resnet_asc
from asc_tf.search.budget import Budget, cost_of, parse_budget


@pytest.fixture(scope="module")
def account():
    """Of BC-ResNet-ASC-1 on 10 s, untrained: 8,055 trainable parameters."""
    return keras_account(bc_resnet_asc(width=10), 10)


def test_limits_and_their_units():
    assert parse_budget("bytes=24KB") == Budget("bytes=24KB", bytes=24 * 1024)
    assert parse_budget("bytes=24K,macs=1.5M,latency_ms=2.5") == Budget(
        "bytes=24K,macs=1.5M,latency_ms=2.5", None, 24_000, 1_500_000, 2.5
    )
    chip = parse_budget("ram=64KB,flash=0.5MB")
    assert (chip.ram, chip.flash, chip.limits_chip) == (64 * 1024, 512 * 1024, True)
    assert not parse_budget("bytes=24KB").limits_chip
    assert parse_budget("2022") == Budget("2022", year=2022)


@pytest.mark.parametrize("text", ["", "2020", "bytes", "bytes=", "bytes=0", "bytes=-3", "size=3", "bytes=1,bytes=2"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(AscError, match=r"--budget .*expected 2021, 2022, 2024, 2025 or limits such as bytes=24KB"):
        parse_budget(text)


def test_bytes_are_those_of_a_compressed_network(account):
    cost = cost_of(account)
    kernels = sum(tensor.count for tensor in account.parameters() if tensor.kind == "kernel")
    others = sum(tensor.count for tensor in account.parameters() if tensor.kind in ("norm", "bias"))
    assert cost.parameters == kernels + others == 8055
    assert cost.bytes == kernels + 2 * others


@pytest.mark.parametrize("limit", ["bytes", "macs"])
def test_a_limit_admits_what_costs_just_as_much(account, limit):
    cost = getattr(cost_of(account), limit)
    assert Budget("", **{limit: cost}).admits(account)
    assert not Budget("", **{limit: cost - 1}).admits(account)


@pytest.mark.slow
def test_zeros_of_a_new_network_are_counted(account):
    """Beta and moving mean are zeros before training; by the rules of 2021 they would be free."""
    stored = sum(tensor.count for tensor in account.parameters())
    zeros = stored - sum(tensor.nonzeros for tensor in account.parameters())
    assert zeros > 1000
    assert Budget("2021", year=2021).admits(account)
    wide = keras_account(bc_resnet_asc(width=40), 10)
    assert cost_of(wide).bytes < math.inf and Budget("2022", year=2022).admits(wide)
    assert not Budget("2022", year=2022).admits(keras_account(bc_resnet_asc(width=80), 10))
