"""Peak memory of `asc-tf predict` for recordings of 1 min and 3 h: python benchmarks/long_recordings.py MODEL

Writes 48 kHz stereo WAV files of 16 bits (2.1 GB for 3 h) and FLAC into a temporary folder, classifies each in a
separate process, and prints its peak resident memory (VmHWM) and processor time. MODEL is a .tflite file of `asc-tf
export`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 48_000
MINUTES = (1, 180)
_PREDICT = """
import re, resource, sys
from asc_tf.cli import main
status = main(["predict", sys.argv[1], sys.argv[2]])
peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]
print(status, int(peak), resource.getrusage(resource.RUSAGE_SELF).ru_utime)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=int, nargs="+", default=MINUTES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for ending, subtype in ((".wav", "PCM_16"), (".flac", "PCM_16")):
            for minutes in arguments.minutes:
                path = write(Path(folder) / f"{minutes}{ending}", minutes, subtype)
                peak, seconds = predict(arguments.model, path)
                size = f"{minutes:4} min  {path.stat().st_size / 1e6:7.0f} MB"
                print(f"{ending[1:]:4} {size}  peak {peak / 1e6:6.1f} MB  processor {seconds:6.1f} s", flush=True)
                path.unlink()


def write(path, minutes, subtype):
    """Noise whose level changes from minute to minute, 48 kHz stereo."""
    minute = np.random.default_rng(0).normal(0, 0.1, (60 * RATE_HZ, 2)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype) as file:
        for number in range(minutes):
            file.write(minute * (0.3 + 0.1 * (number % 7)))
    return path


def predict(model, path):
    """(Peak resident bytes, seconds of processor time) of the command."""
    done = subprocess.run([sys.executable, "-c", _PREDICT, model, path], capture_output=True, text=True, check=True)
    status, kilobytes, seconds = done.stdout.splitlines()[-1].split()
    assert status == "0", done.stderr
    return 1024 * int(kilobytes), float(seconds)


if __name__ == "__main__":
    main()
