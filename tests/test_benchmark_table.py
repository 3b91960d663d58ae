import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def run_all():
    spec = importlib.util.spec_from_file_location("run_all", BENCHMARKS / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_all"] = module  # its dataclass looks for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["run_all"]


def test_all_benchmarks_are_run_and_named_in_the_table(run_all):
    commands = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()} - {"run_all"}
    assert commands == {benchmark.name for benchmark in run_all.BENCHMARKS}
    page = (BENCHMARKS / "README.md").read_text()
    assert run_all.with_row(page, "") == page, "python benchmarks/run_all.py writes the table"


def test_a_row_takes_the_place_of_the_older_one(run_all):
    first, second = run_all.BENCHMARKS[0], run_all.BENCHMARKS[3]
    page = "# Title\n\n| a | b |\n|---|---|\n"
    for benchmark, figures in ((second, "old"), (first, "1"), (second, "new")):
        page = run_all.with_row(page, run_all.row(benchmark, figures, 2.0))
    head, rows = page.splitlines()[:4], page.splitlines()[4:]
    assert head == ["# Title", "", "| a | b |", "|---|---|"] and "| old |" not in page
    assert len(rows) == len(run_all.BENCHMARKS) and "| 1 |" in rows[0] and "| new |" in rows[3]
    assert first.command in rows[0] and "not run yet" in rows[1]


def test_figures_are_found_and_a_missing_one_is_named(run_all, capsys):
    deploy = next(benchmark for benchmark in run_all.BENCHMARKS if benchmark.command == "deploy")
    printed = "  int8 / folded: 0.78 (0.77)  wanted: 0.7\n  folded / straightforward: 0.75 (0.7)  wanted: 0.8\n"
    assert run_all.found(deploy, printed) is None and "bytes of int8" in capsys.readouterr().err
    printed += "  bytes of int8: 36,512  wanted: 36,864\n"
    assert run_all.found(deploy, printed + printed.replace("0.78", "0.41")) == (
        "int8 / folded 0.78 / 0.41; folded / straightforward 0.75 / 0.75; bytes of int8 36,512 / 36,512"
    )
