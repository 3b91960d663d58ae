"""The page against decode + model: python benchmarks/serve.py (needs the extra serve).

Prints the median time of an answer to 10 s of audio, with upload and picture, and the time that the same process takes
to decode and classify the same file, in turns; then 200 uploads, 8 at once, every third of them junk, and the server's
memory.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import soundfile

from asc_tf.runtime import Classifier
from asc_tf.runtime.shipped import find_model

ROUNDS, AT_ONCE, EACH = 40, 8, 25


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten.wav"
        soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 441000), 44100)
        command = [sys.executable, "-m", "asc_tf", "serve", "esc10-mobile", "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = server.stdout.readline().split()[0]
            _latency(address, path)
            _many(address, path.read_bytes(), server.pid)
        finally:
            server.terminate()
            server.wait()


def ask(client, name, content):
    """(seconds of the upload, seconds of the answer after it, its HTML)."""
    begin = time.perf_counter()
    (path,) = client.post("/gradio_api/upload", files={"files": (name, content)}).json()
    uploaded = time.perf_counter()
    data = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    html = client.post("/gradio_api/run/answer", json=data).json()["data"][0]
    return uploaded - begin, time.perf_counter() - uploaded, html


def _latency(address, path):
    classifier, content, rows = Classifier(find_model()), path.read_bytes(), []
    with httpx.Client(base_url=address, timeout=60) as client:
        for number in range(ROUNDS):
            upload, answer, _ = ask(client, f"{number}.wav", content)
            begin = time.perf_counter()
            classifier.classify_file(path)
            rows.append((upload, answer, time.perf_counter() - begin))
    upload, answer, plain = (1000 * statistics.median(column) for column in zip(*rows[5:], strict=True))
    print(f"upload {upload:.1f} ms, answer {answer:.1f} ms; decode + model {plain:.1f} ms")
    print(f"answer / (decode + model): {answer / plain:.2f}; with the upload {(upload + answer) / plain:.2f}")


def _many(address, content, process):
    for turn in range(3):
        good = []

        def worker(number, good=good, turn=turn):
            with httpx.Client(base_url=address, timeout=60) as client:
                for index in range(EACH):
                    junk = index % 3 == 0
                    html = ask(client, f"{turn}-{number}-{index}.wav", os.urandom(9999) if junk else content)[2]
                    good.append(("<svg" in html) != junk)

        threads = [threading.Thread(target=worker, args=(number,)) for number in range(AT_ONCE)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        status = Path(f"/proc/{process}/status").read_text()
        memory = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        print(f"{len(good)} uploads, {AT_ONCE} at once: {sum(good)} as expected; the server has {memory:.0f} MB")


if __name__ == "__main__":
    main()
