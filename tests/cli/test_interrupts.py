"""Ctrl-C and SIGTERM at any moment: one line, a status that says so, nothing half-written."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import fails

ENTRIES = {
    "module": [sys.executable, "-m", "asc_tf"],
    "command": [sys.executable, "-c", "import sys; from asc_tf.__main__ import main; sys.exit(main())"],
}
LINES = {
    signal.SIGINT: (130, "asc-tf: interrupted; the same command goes on where it stopped\n"),
    signal.SIGTERM: (143, "asc-tf: terminated; the same command goes on where it stopped\n"),
}


def interrupted_in(module, sent, entry, arguments, folder):
    """Run a command that is sent a signal while it imports a module; that takes it for its own as libraries do."""
    code = f"import os, time\ntry:\n    os.kill(os.getpid(), {sent:d})\n    time.sleep(10)\n"
    (folder / f"{module}.py").write_text(
        f"{code}except BaseException as error:\n    raise ImportError('odd') from error\n"
    )
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run([*entry, *arguments], capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.parametrize("sent", LINES)
@pytest.mark.parametrize(
    ("entry", "module", "arguments"),
    [
        ("module", "tyro", ["recipes"]),
        ("command", "tyro", ["recipes"]),
        ("module", "tensorflow", ["models"]),
        ("command", "soxr", ["predict", "x.tflite", "x.wav"]),
    ],
)
def test_while_libraries_are_imported(tmp_path, sent, entry, module, arguments):
    done = interrupted_in(module, sent, ENTRIES[entry], arguments, tmp_path)
    assert (done.returncode, done.stderr) == LINES[sent] and done.stdout == ""


@pytest.mark.parametrize("sent", LINES)
def test_while_files_are_written(tmp_path, sent):
    process = subprocess.Popen(
        [*ENTRIES["module"], "data", "synth", str(tmp_path / "set"), "--clips", "4000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.wav")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == LINES[sent] and out == ""
    assert not list(tmp_path.iterdir())


def test_a_background_job_of_a_shell_stays_deaf_to_ctrl_c():
    process = subprocess.Popen(
        [*ENTRIES["module"], "recipes"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = process.communicate()
    assert err == "" and process.returncode == 0 and "bc-resnet-asc-1" in out


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_is_none_is_a_sentence(tmp_path, capsys, seed):
    assert f"--seed {seed}: expected a value from 0 to 2,147,483,647" in fails(
        capsys, "data", "synth", tmp_path / "x", "--seed", seed
    )
    assert not list(tmp_path.iterdir())
