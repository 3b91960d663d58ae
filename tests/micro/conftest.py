"""A folder of C from a shipped model, and programs built from it with every warning an error and sanitizers on."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_programs import FRONTEND, SANITIZERS, STRICT, program_of

from asc_tf.micro.folder import write_micro_folder
from asc_tf.runtime.shipped import shipped_models


@pytest.fixture(scope="session")
def model_file():
    """A shipped model: windows of 3 s at 16 kHz, 256 mel bins, 101 frames."""
    return shipped_models()["procedural-scenes"].path


@pytest.fixture(scope="session")
def c_folder(model_file, tmp_path_factory):
    """Its folder of C source. Do not change it."""
    out = tmp_path_factory.mktemp("micro") / "scenes"
    write_micro_folder(model_file, out, "procedural-scenes")
    return out


@pytest.fixture(scope="session")
def build(c_folder, tmp_path_factory):
    """Function (sources, **macros) -> function (arguments, standard input as an array) -> standard output."""
    compiler, folder = program_of("gcc"), tmp_path_factory.mktemp("programs")

    def build(sources, **macros):
        defined = [f"-D{name}={value}" for name, value in macros.items()]
        program = folder / "-".join([Path(sources[0]).stem, *defined])
        if not program.exists():
            command = [compiler, *STRICT, *SANITIZERS, *defined, f"-I{c_folder}", *FRONTEND, *sources, "-o", program]
            done = subprocess.run(command, cwd=c_folder, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]

        def run(*arguments, given=()):
            command = [program, *map(str, arguments)]
            environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # looking for leaks needs ptrace
            done = subprocess.run(command, input=np.asarray(given).tobytes(), capture_output=True, env=environment)
            assert done.returncode == 0, done.stderr.decode()[-3000:]
            return done.stdout

        return run

    return build


@pytest.fixture(scope="session")
def probe(build):
    """Function (**macros) -> the program of probe.c."""
    source = str(Path(__file__).with_name("probe.c"))
    return lambda **macros: build([source], **macros)
