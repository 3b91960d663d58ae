"""Latency and size of exported networks, as ratios in one run: python benchmarks/deploy.py [RUN ...] [--lengths]

10 s inputs (256 x 334 features with the papers' frontend), LiteRT on one thread:

- straightforward: TensorFlow's converter on the training network, float32;
- folded: the deployment graph, float32, shrunk;
- int8: the file of `asc-tf export --format int8` from features to logits, shrunk: weights and feature maps of 8 bits.

RUN is the folder of a run whose data set still exists: its training clips, joined to 10 s, set the 8-bit scales.
Without runs, untrained BC-ResNet-ASC with ResNorm at the input and after each stage is measured at c = 10 and 80.
Scales, shifts and statistics of its normalizations are random: they affect no latency and hardly a byte, and say
nothing about accuracy.

--lengths prints the ratio int8 / folded of untrained networks for inputs of 1 to 10 s and both hops instead.

Files take turns; a round's latency is the median of its runs. A ratio is the median over the rounds; in brackets is
that of the shortest rounds, which other programs on the machine disturb less.
"""

import argparse
import dataclasses
import statistics
import sys
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from tflite_bytes import bytes_by_purpose
from tflite_operators import milliseconds_by_kind

SECONDS, CLASSES, WINDOWS = 10, 10, 50
WIDTHS = (10, 80)
LENGTHS, HOPS, RATE_HZ = (1, 2, 3, 5, 10), (480, 512), 16000  # seconds; samples: 30 and 32 ms
BARS = {
    (10, "int8", "folded"): 0.7,
    (80, "int8", "folded"): 0.45,
    (10, "folded", "straightforward"): 0.8,
}
SIZES = {10: 36 * 1024, 80: 420 * 1024}  # 36 KB, 420 KB


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", help="folders of trained runs; default: untrained networks")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--width", type=int, choices=WIDTHS, help="of the untrained networks this c alone")
    parser.add_argument("--lengths", action="store_true", help="the table of all lengths and hops")
    arguments = parser.parse_args()
    if arguments.lengths:
        for width in [arguments.width] if arguments.width else WIDTHS:
            compare_lengths(width, arguments.rounds)
        return
    for run in arguments.runs:
        compare(run, *trained(Path(run)), arguments.rounds)
    for width in () if arguments.runs else [arguments.width] if arguments.width else WIDTHS:
        compare("untrained", *untrained(width), arguments.rounds)


def untrained(width, frames=334):
    """(c, network, features)."""
    from small_networks import features_for, unsettled

    from asc_tf.models import bc_resnet_asc

    network = unsettled(bc_resnet_asc((256, frames, 1), CLASSES, width, norm_position="all"))
    return width, network, features_for(network, 8)


def trained(run):
    """(c, the run's network for 10 s, features of its training clips)."""
    from asc_tf.data.clips import read_clips
    from asc_tf.data.waveforms import Cut
    from asc_tf.experiment.build import build_frontend, build_model
    from asc_tf.experiment.run_folder import load_model, read_run

    config, dataset = read_run(run)
    network = build_model(config, dataclasses.replace(dataset, clip_seconds=SECONDS))
    network.set_weights(load_model(run).get_weights())
    frontend = build_frontend(config)
    clips, cut = read_clips(dataset.root), Cut(frontend.sample_rate_hz, dataset.clip_seconds)
    samples = SECONDS * frontend.sample_rate_hz
    names = clips[clips.split == "train"].sample(frac=1, random_state=0).filename
    needed = names[: -(-WINDOWS * samples // cut.clip_samples)]
    waveform = np.concatenate([cut.load(Path(dataset.root) / name)[0] for name in needed])
    windows = waveform[: len(waveform) // samples * samples].reshape(-1, samples)
    return config.model.width, network, np.concatenate([frontend(window[None]).numpy() for window in windows])


def compare(name, width, network, features, rounds):
    """Print milliseconds, bytes and ratios of the four files of one network, and the purposes of the bytes."""
    from asc_tf.export.conversion import converted
    from asc_tf.runtime.latency import latencies, latency_ratio

    contents = {"straightforward": converted(network, network.input_shape[1:]), **files(network, features)}
    latency = latencies(contents, rounds, max(4, 400 // width))
    shape = " x ".join(map(str, network.input_shape[1:3]))
    print(f"{name}, c = {width}, {shape} features, one thread")
    for kind, content in contents.items():
        print(f"  {kind:15}  {statistics.median(latency[kind]):7.2f} ms  {len(content):9,} bytes")
    for one, other in (("int8", "folded"), ("folded", "straightforward")):
        ratio = latency_ratio(latency[one], latency[other])
        shortest = min(latency[one]) / min(latency[other])
        print(f"  {one} / {other}: {ratio:.2f} ({shortest:.2f})  wanted: {BARS.get((width, one, other), '-')}")
    wanted = f"{SIZES[width]:,}" if width in SIZES else "-"
    print(f"  bytes of int8: {len(contents['int8']):,}  wanted: {wanted}")
    for purpose, count in bytes_by_purpose(contents["int8"]).items():
        print(f"    {purpose:17} {count:9,}")
    print("  operators of int8, each alone in a file:")
    for kind, (count, spent) in milliseconds_by_kind(contents["int8"]).items():
        print(f"    {kind:17} {spent:9.3f} ms in {count}", flush=True)


def compare_lengths(width, rounds):
    """Print the ratio of the 8-bit file's latency to the folded float file's for each length and hop."""
    from asc_tf.runtime.latency import latencies, latency_ratio

    cases = {(seconds, hop): 1 + seconds * RATE_HZ // hop for seconds in LENGTHS for hop in HOPS}
    contents = {}
    for case, frames in cases.items():
        for kind, content in files(*untrained(width, frames)[1:]).items():
            contents[case, kind] = content
    latency = latencies(contents, rounds, max(4, 400 // width))
    print(f"untrained, c = {width}, one thread; wanted: {BARS[width, 'int8', 'folded']}")
    print("  seconds  hop  frames   int8 / folded (shortest)  bytes of int8")
    for (seconds, hop), frames in cases.items():
        one, other = latency[(seconds, hop), "int8"], latency[(seconds, hop), "folded"]
        ratio, shortest = latency_ratio(one, other), min(one) / min(other)
        size = len(contents[(seconds, hop), "int8"])
        print(f"  {seconds:7}  {hop}  {frames:6}  {ratio:14.2f} ({shortest:.2f})  {size:20,}", flush=True)


def files(network, features):
    """{kind: bytes} of the .tflite files from features to logits."""
    from asc_tf.export.shrinking import shrunk
    from asc_tf.export.tflite import network_file

    shape = network.input_shape[1:]
    return {
        "folded": shrunk(network_file(network, shape)),
        "int8": shrunk(network_file(network, shape, "int8", features, float_input=False)),
    }


if __name__ == "__main__":
    main()
