"""Data and runs that a test may damage."""

import shutil

import pytest


@pytest.fixture
def root(synthetic_root, tmp_path):
    """A copy of the embedded data set that a test may damage."""
    return shutil.copytree(synthetic_root, tmp_path / "data")


@pytest.fixture
def run(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


@pytest.fixture
def bare(root):
    """Recordings without features."""
    shutil.rmtree(root / "features", ignore_errors=True)
    return root
