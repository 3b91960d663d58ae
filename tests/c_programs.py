"""Compilers and other programs that tests of C source call."""

import shutil

import pytest

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-std=c99"]
SANITIZERS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FRONTEND = ["asc_frontend.c", "asc_log_mel_float.c", "asc_log_mel_fixed.c", "asc_stream.c", "asc_tables.c"]


def program_of(name):
    """Path of a program that tests call; skips the test where it is absent."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (.ci/debian-packages.txt)")
    return found
