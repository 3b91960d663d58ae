"""The site builds without a warning, with every page in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_site_builds(tmp_path):
    pytest.importorskip("mkdocs"), pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert all((tmp_path / page / "index.html").is_file() for page in pages)
    assert "ResidualNormalization" in (tmp_path / "reference" / "index.html").read_text(encoding="utf-8")
