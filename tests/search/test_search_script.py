"""examples/search.sh, with a command that only notes how it was called."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "search.sh"


def run(tmp_path, body, workers="2"):
    command = tmp_path / "command.sh"
    command.write_text(f'#!/bin/bash\ncd {tmp_path}\necho "$@" >> calls\n{body}\n')
    command.chmod(0o755)
    done = subprocess.run([SCRIPT, workers, command, "search"], capture_output=True, text=True, timeout=60)
    calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
    return done, calls


def test_one_chief_and_workers_at_one_address(tmp_path):
    done, calls = run(tmp_path, "sleep 0.5")
    assert done.returncode == 0, done.stderr
    roles = sorted(call.split()[1] for call in calls)
    assert roles == ["--chief", "--worker", "--worker"] and len({call.split()[2] for call in calls}) == 1


@pytest.mark.parametrize("role", ["chief", "worker"])
def test_what_is_killed_is_started_again(tmp_path, role):
    done, calls = run(tmp_path, f"if [[ $2 = --{role} ]] && mkdir killed 2>/dev/null; then kill -9 $$; fi; sleep 1")
    assert done.returncode == 0, done.stderr
    assert sum(f"--{role}" in call for call in calls) == (2 if role == "chief" else 3)


def test_a_mistake_ends_all(tmp_path):
    done, calls = run(tmp_path, "if [[ $2 = --chief ]]; then echo wrong >&2; exit 1; fi; exec sleep 30")
    assert done.returncode == 1 and "wrong" in done.stderr
    assert sum("--chief" in call for call in calls) == 1


@pytest.mark.parametrize("workers", ["0", "two"])
def test_a_number_of_workers_is_needed(tmp_path, workers):
    done, calls = run(tmp_path, "exit 0", workers)
    assert done.returncode == 1 and "usage: " in done.stderr and not calls
