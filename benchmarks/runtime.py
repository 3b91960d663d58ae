"""Costs of the runtime: seconds to import, memory of `asc-tf predict`, processor share of `asc-tf listen`.

    python benchmarks/runtime.py [MODEL.tflite]

Without a model, a BC-ResNet-ASC with c = 10 of random weights on windows of 10 s is exported first (that needs
TensorFlow). All measurements run in separate processes, without TensorFlow. Linux only.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

PACED_SECONDS = 20
LIMITS = {"import": 0.1, "name": 0.3, "memory": 150, "listen": 5}

EXPORT = """
import sys
import asc_tf
frontend = asc_tf.LogMel()
model = asc_tf.bc_resnet_asc(frontend.feature_shape(160000), 10, width=10, norm_position="input")
asc_tf.export_tflite(sys.argv[1], frontend, model, [f"scene {number}" for number in range(10)], 10)
"""
IMPORT = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def import_seconds(statement, repeats=7):
    """Wall clock seconds of an import in a new process: the fastest of the runs."""
    command = [sys.executable, "-c", IMPORT.format(statement)]
    return min(float(subprocess.check_output(command)) for _ in range(repeats))


def peak_megabytes(*arguments):
    """Largest resident memory, in MB of 10^6 bytes, of the command."""
    process = subprocess.Popen([sys.executable, "-m", "asc_tf", *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[0]} failed")
    return usage.ru_maxrss * 1024 / 1e6


def listen_percent(model, rate=16000, window_seconds=10):
    """Percent of one processor that `asc-tf listen` takes on a pipe in real time, a window a second."""
    samples = np.random.default_rng(0).normal(0, 3000, (window_seconds + PACED_SECONDS) * rate).astype("<i2").tobytes()
    command = [sys.executable, "-m", "asc_tf", "listen", str(model), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        first, piece = window_seconds * rate * 2, rate // 10 * 2
        process.stdin.write(samples[:first])
        process.stdin.flush()
        process.stdout.readline()
        began, used = time.monotonic(), _processor_seconds(process.pid)
        for number, start in enumerate(range(first, len(samples), piece), 1):
            time.sleep(max(0, began + number / 10 - time.monotonic()))
            process.stdin.write(samples[start : start + piece])
            process.stdin.flush()
        for _ in range(PACED_SECONDS):
            process.stdout.readline()
        percent = 100 * (_processor_seconds(process.pid) - used) / (time.monotonic() - began)
        process.stdin.close()
    return percent


def _processor_seconds(pid):
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def report(what, value, unit, limit):
    print(f"{what:58} {value:7.2f} {unit:3}  limit {limit:g}  {'ok' if value < limit else 'EXCEEDED'}", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "model.tflite"
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, "-c", EXPORT, model], check=True, stderr=subprocess.DEVNULL)
        clips = folder / "clips"
        clips.mkdir()
        sound = np.random.default_rng(0).normal(0, 0.1, 441000)
        for number in range(40):
            soundfile.write(clips / f"{number}.wav", sound, 44100, subtype="PCM_24")
        first, name = "import asc_tf.runtime", "from asc_tf.runtime import Classifier"
        report(first, import_seconds(first), "s", LIMITS["import"])
        report(f"{name}, with NumPy", import_seconds(name), "s", LIMITS["name"])
        one = peak_megabytes("predict", model, clips / "0.wav")
        report("asc-tf predict, one clip of 10 s at 44.1 kHz, peak memory", one, "MB", LIMITS["memory"])
        many = peak_megabytes("predict", model, clips, "--output", folder / "scenes.csv")
        report("asc-tf predict, a folder, all processors, peak memory", many, "MB", LIMITS["memory"])
        report("asc-tf listen, a window a second, of one processor", listen_percent(model), "%", LIMITS["listen"])


if __name__ == "__main__":
    main()
