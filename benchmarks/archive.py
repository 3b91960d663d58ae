"""The cost of Apache Beam: `asc-tf predict --shards` against the same files without it, in turns in one run.

    python benchmarks/archive.py [MODEL.tflite] 2> log

200 recordings of 10 s (44.1 kHz, 24 bits) in 10 shards, with one thread, or Beam worker, per processor. Without a
model, the one of benchmarks/runtime.py is exported first (that needs TensorFlow). The time to import Beam is printed
separately; workers in separate processes import it each time and log their start.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from runtime import EXPORT

from asc_tf.runtime.archive import classify_archive
from asc_tf.runtime.folder import classify_folder

FILES, SHARDS, ROUNDS = 200, 10, 5
IMPORT = (
    "import time; began = time.perf_counter(); import asc_tf.runtime.beam_shards; print(time.perf_counter() - began)"
)
MODES = {
    "--shards": (),
    "--shards, Beam's threads": ("direct_running_mode=multi_threading", f"direct_num_workers={os.cpu_count()}"),
    "--shards, Beam's processes": ("direct_running_mode=multi_processing", f"direct_num_workers={os.cpu_count()}"),
}


def seconds(function, *arguments, **keywords):
    """(wall clock, processor) seconds of a call, including the processes that it starts and waits for."""
    wall, used = time.perf_counter(), _processor_seconds()
    function(*arguments, **keywords)
    return time.perf_counter() - wall, _processor_seconds() - used


def _processor_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "model.tflite"
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, "-c", EXPORT, model], check=True, stderr=subprocess.DEVNULL)
        clips = folder / "clips"
        clips.mkdir()
        generator = np.random.default_rng(0)
        for number in range(FILES):
            soundfile.write(clips / f"{number}.wav", generator.normal(0, 0.1, 441000), 44100, subtype="PCM_24")
        print(f"import of Beam: {float(subprocess.check_output([sys.executable, '-c', IMPORT])):.1f} s")
        classify_archive(model, clips, folder / "warm", SHARDS)
        took = {name: [] for name in ("no engine", *MODES)}
        for number in range(ROUNDS):
            took["no engine"].append(seconds(classify_folder, model, clips, folder / f"{number}.csv"))
            for name, beam in MODES.items():
                output = folder / f"{number}-{name}"
                took[name].append(seconds(classify_archive, model, clips, output, SHARDS, beam=beam))
        for name, pairs in took.items():
            ratios = [
                statistics.median(own[k] / none[k] for own, none in zip(pairs, took["no engine"], strict=True))
                for k in (0, 1)
            ]
            wall = statistics.median(pair[0] for pair in pairs)
            print(f"{name:28} {wall:6.2f} s, {ratios[0]:.2f} of no engine's; {ratios[1]:.2f} of its processor time")


if __name__ == "__main__":
    main()
