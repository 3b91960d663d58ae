"""Latency and size of exported networks, as ratios in one run: python benchmarks/deploy.py [--rounds N] [--width C]

BC-ResNet-ASC with ResNorm at the input and after each stage, 10 s inputs (256 x 334 features), LiteRT on one thread:

- straightforward: TensorFlow's converter on the training network, float32;
- folded: the deployment graph, float32, shrunk;
- int8: the deployment graph with the stem by space-to-depth, weights and feature maps of 8 bits, shrunk.

Networks are untrained, their normalizations' scales, shifts and statistics random: that decides no latency and hardly a
byte, and says nothing of accuracy. Files take turns; a round's latency is the median of its runs, a ratio the median
over the rounds.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

SHAPE, CLASSES, RUNS = (256, 334, 1), 10, {10: 40, 80: 8}
BARS = {(10, "int8", "folded"): 0.8, (80, "int8", "folded"): 0.5, (10, "folded", "straightforward"): 0.8}
SIZES = {10: 40_000, 80: 420_000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--width", type=int, choices=RUNS, help="this c alone")
    arguments = parser.parse_args()
    for width in [arguments.width] if arguments.width else RUNS:
        compare(width, arguments.rounds)


def compare(width, rounds):
    """Print milliseconds, bytes and ratios of the three files of one width."""
    from asc_tf.runtime.latency import latencies, latency_ratio

    contents = files(width)
    latency = latencies(contents, rounds, RUNS[width])
    print(f"c = {width}, {SHAPE[0]} x {SHAPE[1]} features, one thread")
    for name, content in contents.items():
        print(f"  {name:15}  {statistics.median(latency[name]):7.2f} ms  {len(content):9,} bytes")
    for one, other in (("int8", "folded"), ("folded", "straightforward")):
        ratio = latency_ratio(latency[one], latency[other])
        print(f"  {one} / {other}: {ratio:.2f}  wanted: {BARS.get((width, one, other), '-')}")
    print(f"  bytes of int8: {len(contents['int8']):,}  wanted: {SIZES[width]:,}", flush=True)


def files(width):
    """{name: bytes} of the .tflite files from features to logits."""
    from small_networks import features_for, unsettled

    from asc_tf.export.conversion import converted
    from asc_tf.export.deployment import deployment_graph
    from asc_tf.export.shrinking import shrunk
    from asc_tf.models import bc_resnet_asc

    network = unsettled(bc_resnet_asc(SHAPE, CLASSES, width, norm_position="all"))
    eight_bit = deployment_graph(network, space_to_depth=True)
    return {
        "straightforward": converted(network, SHAPE),
        "folded": shrunk(converted(deployment_graph(network), SHAPE)),
        "int8": shrunk(converted(eight_bit, SHAPE, "int8", features_for(network, 4), float_input=False)),
    }


if __name__ == "__main__":
    main()
