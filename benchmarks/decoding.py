"""Ways to decode audio for TensorFlow: python benchmarks/decoding.py [--rounds N]

For 10 s of one channel at 44.1 kHz in each format it prints the time of every way as a share of soundfile's (in turns,
median over the rounds), the number of samples that equal soundfile's exactly, and whether it accepts files that are cut
in the middle or have one flipped bit there. tensorflow-io takes part where it loads (TensorFlow 2.16).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

import numpy as np
import soundfile
import tensorflow as tf

from asc_tf.data import graph_wav

RATE_HZ, SECONDS = 44100, 10
FORMATS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"),
           ("OGG", "VORBIS")]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    sound = np.random.default_rng(0).normal(0, 0.1, RATE_HZ * SECONDS).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for file_format, subtype in FORMATS:
            path = Path(folder) / f"{file_format}-{subtype}"
            soundfile.write(path, sound, RATE_HZ, format=file_format, subtype=subtype)
            ways = {"soundfile": lambda path: soundfile.read(path, dtype="float32")[0]}
            ways |= {"graph": in_graph(subtype)} if file_format == "WAV" else {}
            ways |= with_tensorflow_io(file_format, subtype)
            report(path, f"{file_format} {subtype}", ways, rounds)


def in_graph(subtype):
    decode = tf.function(lambda path: graph_wav.decode(tf.io.read_file(path), subtype), reduce_retracing=True)
    return lambda path: decode(tf.constant(str(path))).numpy()


def with_tensorflow_io(file_format, subtype):
    try:
        import tensorflow_io

        audio = tensorflow_io.audio
        audio.decode_wav  # noqa: B018  (loads the compiled operations)
    except (ImportError, NotImplementedError, AttributeError):
        return {}
    if (file_format, subtype) == ("WAV", "PCM_32"):  # it cannot
        return {}
    dtype = tf.int16 if subtype == "PCM_16" else tf.int32
    decode = {
        "WAV": lambda raw: audio.decode_wav(raw, dtype=dtype),
        "FLAC": lambda raw: audio.decode_flac(raw, dtype=dtype),
        "OGG": audio.decode_vorbis,
    }[file_format]

    def read(path):
        samples = decode(tf.io.read_file(str(path)))[:, 0]
        return (tf.cast(samples, tf.float32) / (-float(dtype.min) if file_format != "OGG" else 1.0)).numpy()

    return {"tensorflow-io": read}


def report(path, name, ways, rounds):
    seconds = {way: [] for way in ways}
    for _ in range(rounds):
        for way, read in ways.items():
            start = time.perf_counter()
            read(path)
            seconds[way].append(time.perf_counter() - start)
    content, expected = path.read_bytes(), ways["soundfile"](path)
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]
    for way, read in ways.items():
        ratio = statistics.median(a / b for a, b in zip(seconds[way], seconds["soundfile"], strict=True))
        found = read(path)
        equal = np.mean(found == expected) if len(found) == len(expected) else 0
        said = [answer(read, path.with_suffix(".damaged"), damaged) for damaged in (content[:middle], flipped)]
        print(f"{name:13} {way:13} time {ratio:5.2f}  equal samples {100 * equal:6.2f} %  "
              f"cut: {said[0]}  flipped bit: {said[1]}")  # fmt: skip


def answer(read, path, content):
    path.write_bytes(content)
    try:
        return f"{len(read(path))} samples"
    except (soundfile.LibsndfileError, tf.errors.OpError):
        return "refused"


if __name__ == "__main__":
    main()
