"""Commands that train start with huge pages where Linux leaves the choice to programs."""

import os
import sys

import pytest

from asc_tf.__main__ import start_with_huge_pages

ASKS = "always [madvise] never"
TRAIN = ["train", "--run", "saved_models/mine"]


@pytest.fixture
def started(monkeypatch):
    """What would be started in this process's place: (program, arguments, GLIBC_TUNABLES)."""
    found = []
    monkeypatch.setattr(os, "execv", lambda *call: found.append((*call, os.environ["GLIBC_TUNABLES"])))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "utf8", "asc-tf", *TRAIN])
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "glibc.malloc.hugetlb=1"), ("glibc.malloc.check=1", "glibc.malloc.check=1:glibc.malloc.hugetlb=1")],
)
def test_the_same_command_starts_once_more(tmp_path, monkeypatch, started, before, after):
    monkeypatch.setenv("GLIBC_TUNABLES", before or "")
    (tmp_path / "enabled").write_text(ASKS)
    start_with_huge_pages(TRAIN, tmp_path / "enabled")
    assert started == [(sys.executable, ["python", "-X", "utf8", "asc-tf", *TRAIN], after)]
    start_with_huge_pages(TRAIN, tmp_path / "enabled")
    assert len(started) == 1  # the second process is the last


@pytest.mark.parametrize(
    ("arguments", "choice", "tunables"),
    [
        (["predict", "train"], ASKS, ""),
        ([], ASKS, ""),
        (TRAIN, "[always] madvise never", ""),
        (TRAIN, "always madvise [never]", ""),
        (TRAIN, None, ""),
        (TRAIN, ASKS, "glibc.malloc.hugetlb=0"),
    ],
)
def test_nothing_else_does(tmp_path, monkeypatch, started, arguments, choice, tunables):
    monkeypatch.setenv("GLIBC_TUNABLES", tunables)
    monkeypatch.setattr(sys, "orig_argv", ["python", "asc-tf", *arguments])
    if choice:
        (tmp_path / "enabled").write_text(choice)
    start_with_huge_pages(arguments, tmp_path / "enabled")
    assert started == [] and os.environ["GLIBC_TUNABLES"] == tunables


def test_a_program_that_calls_the_command_is_not_started_again(tmp_path, monkeypatch, started):
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    (tmp_path / "enabled").write_text(ASKS)
    start_with_huge_pages(["train", "--data", "another"], tmp_path / "enabled")
    assert started == []
