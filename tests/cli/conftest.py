"""Data and runs that a test may damage."""

import shutil

import pytest


@pytest.fixture
def root(synthetic_root, tmp_path):
    """A copy of the embedded data set that a test may damage."""
    return shutil.copytree(synthetic_root, tmp_path / "data")


@pytest.fixture(scope="session")
def train_smallest(smallest_config, tmp_path_factory):
    """`asc-tf train` of the network that trains in a second or two."""
    recipe = tmp_path_factory.mktemp("recipes") / "smallest.json"
    recipe.write_text(smallest_config.to_json())
    return ["train", "--recipe", str(recipe)]


@pytest.fixture
def run(smallest_run, tmp_path):
    return shutil.copytree(smallest_run, tmp_path / "run")


@pytest.fixture
def bare(root):
    """The training part and one test recording of each device, without features."""
    shutil.rmtree(root / "features", ignore_errors=True)
    for part in ("evaluate", "test"):
        path = root / "evaluation_setup" / f"fold1_{part}.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:10]))
    for line in lines[10:]:
        (root / line.strip()).unlink()
    return root
