"""The page of examples/browser hears in Chromium what our runtime hears."""

import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asc_tf.runtime import Classifier

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "browser"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture
def site(smallest_file, tmp_path):
    """Address of the example with the packages that it names and a model."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not there")
    folder = shutil.copytree(EXAMPLE, tmp_path / "site")
    if subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, capture_output=True).returncode:
        pytest.skip("npm cannot install the example's package here")
    shutil.copy(smallest_file, folder / "scenes.tflite")
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_the_page_hears_what_the_runtime_hears(site, smallest_file, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if (program := shutil.which("chromium")) is None:
        pytest.skip("Debian's chromium is not installed")
    classifier = Classifier(smallest_file)
    sound = 0.1 * np.random.default_rng(0).standard_normal(2 * classifier.samples).astype(np.float32)
    soundfile.write(tmp_path / "two windows.wav", sound, classifier.sample_rate_hz, subtype="FLOAT")
    (tmp_path / "junk.wav").write_bytes(b"no sound")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page, errors = browser.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site)
        page.wait_for_selector("text=Ready.", timeout=120_000)
        page.set_input_files("#file", tmp_path / "two windows.wav")
        page.wait_for_selector("text=were heard", timeout=120_000)
        rows = page.eval_on_selector_all("tr", "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))")
        page.set_input_files("#file", tmp_path / "junk.wav")
        page.wait_for_selector("text=cannot be heard", timeout=120_000)
        browser.close()
    heard = {name: float(percent.removesuffix(" %")) for name, percent in rows}
    expected = dict(zip(classifier.labels, 100 * classifier.classify(sound, classifier.sample_rate_hz), strict=True))
    assert heard == pytest.approx(expected, abs=0.1) and not errors
