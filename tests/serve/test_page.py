"""The page itself: served, asked from outside, and used in Chromium."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = [  # not importorskip, which takes two seconds of every collection
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="the extra serve is not installed"),
]
KEEP_SECONDS = 10
_SERVE = f"""
from asc_tf.runtime.shipped import find_model
from asc_tf.serve.server import serve
try:
    serve(find_model(), "127.0.0.1", 0, lambda line: print(line, flush=True), keep_seconds={KEEP_SECONDS})
except KeyboardInterrupt:
    pass
"""


class Page:
    """A process that serves the page, and its folder of uploads."""

    def __init__(self, process, address, folder):
        self.process, self.address, self.folder = process, address, folder

    def get(self, path, **headers):
        request = urllib.request.Request(self.address + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read(), response.headers

    def post(self, path, content, kind):
        request = urllib.request.Request(self.address + path, content, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def ask(self, name, content):
        """What the page says to a file, as a browser asks for it."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        form = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        (path,) = self.post("/gradio_api/upload", form, f"multipart/form-data; boundary={edge}")
        data = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
        return self.post("/gradio_api/run/answer", json.dumps(data).encode(), "application/json")["data"][0]

    def memory_kb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def files(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    temporary = tmp_path_factory.mktemp("serve")
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", _SERVE]
    with (temporary / "errors").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), (temporary / "errors").read_text()
        (folder,) = temporary.glob("asc-tf-serve-*")
        yield Page(process, line.split()[0], folder)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        assert not folder.exists(), "uploads stay after the end"
        assert "Traceback" not in (temporary / "errors").read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("sounds") / "ten seconds.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 441000), 44100)
    return path


def test_many_at_once_junk_among_them(page, recording):
    """No crash, no memory that grows, no upload that stays."""
    content, found, memory = recording.read_bytes(), [], []

    def one_of_many(number):
        for index in range(2):
            junk = (number + index) % 3 == 0
            answer = page.ask(f"{number}-{index}.wav", os.urandom(9999) if junk else content)
            found.append(("<svg" in answer) != junk and ("refusal" in answer) == junk)

    for _ in range(3):
        threads = [threading.Thread(target=one_of_many, args=(number,)) for number in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        memory.append(page.memory_kb())
    assert found == [True] * 48 and page.process.poll() is None
    assert memory[2] < 1.1 * memory[1], memory
    for _ in range(80):  # at most KEEP_SECONDS, the quarter of it, and the time that a busy machine takes
        if not page.files():
            break
        time.sleep(KEEP_SECONDS / 20)
    assert not page.files()


def test_two_with_the_same_file_are_both_answered(page, recording):
    answers, content = [], recording.read_bytes()
    threads = [threading.Thread(target=lambda: answers.append(page.ask("same.wav", content))) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(answers) == 6 and all("<svg" in answer for answer in answers)


def test_what_is_too_large_or_asks_by_another_name_is_refused(page):
    policy = page.get("/")[1]["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    with pytest.raises(urllib.error.HTTPError, match="400"):
        page.get("/", Host="example.org")
    request = urllib.request.Request(f"{page.address}/gradio_api/upload", headers={"Content-Length": str(1 << 40)})
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(request, timeout=60)
    with pytest.raises(urllib.error.HTTPError, match="403|404"):
        page.get("/gradio_api/file=/etc/hostname")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is not installed")
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", *fake]
        try:
            started = driver.chromium.launch(executable_path=program, args=arguments, timeout=120_000)
        except playwright.Error as error:
            pytest.skip(f"{program} does not start here: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def tab(browser, page):
    """The page in a tab; nothing but the page itself was asked for anything, and no error was said."""
    opened = browser.new_page(viewport={"width": 1100, "height": 1300})
    opened.set_default_timeout(120_000)
    asked, errors = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.goto(page.address)
    yield opened
    opened.close()
    strangers = [url for url in asked if not url.startswith((page.address, "data:", "blob:"))]
    own = [error for error in errors if "Waveform load error" not in error]  # the player's word for junk
    assert asked and not strangers and not own


def test_a_file_is_heard_and_shown(tab, recording, tmp_path):
    tab.set_input_files("input[type=file]", recording)
    tab.wait_for_selector("#result svg image")
    assert tab.locator("#result h2").inner_text() and "ten seconds.wav" in tab.locator("#result").inner_text()
    tab.screenshot(path=tmp_path / "page.png")
    box = tab.locator("#result svg").bounding_box()
    assert box["width"] > 600 and box["height"] > 400
    tab.get_by_label("Clear").first.click()
    tab.wait_for_selector("#result svg", state="detached")


def test_junk_gets_a_sentence(tab, tmp_path):
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"no sound at all" * 99)
    tab.set_input_files("input[type=file]", junk)
    tab.wait_for_selector("#result .refusal")
    assert "junk.wav: cannot be decoded as audio" in tab.locator("#result").inner_text()


def test_the_microphone_is_heard(tab):
    tab.get_by_label("Record audio").click()
    tab.get_by_role("button", name="Record", exact=True).click()
    tab.wait_for_timeout(1500)
    tab.get_by_role("button", name="Stop", exact=True).first.click()
    tab.wait_for_selector("#result svg image")
