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
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np

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
    contents = files(width)
    runners = {name: Runner(content) for name, content in contents.items()}
    latency = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            latency[name].append(runner.milliseconds(RUNS[width]))
    print(f"c = {width}, {SHAPE[0]} x {SHAPE[1]} features, one thread")
    for name, content in contents.items():
        print(f"  {name:15}  {statistics.median(latency[name]):7.2f} ms  {len(content):9,} bytes")
    for one, other in (("int8", "folded"), ("folded", "straightforward")):
        ratio = statistics.median(a / b for a, b in zip(latency[one], latency[other], strict=True))
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


class Runner:
    """A .tflite file in LiteRT, on an input of noise."""

    def __init__(self, content):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (taken,) = self._interpreter.get_input_details()
        noise = np.random.default_rng(0).normal(0, 1, taken["shape"])
        noise = noise * 40 if taken["dtype"] == np.int8 else noise
        self._interpreter.set_tensor(taken["index"], noise.clip(-128, 127).astype(taken["dtype"]))
        self._interpreter.invoke()

    def milliseconds(self, runs):
        """Median time of one run."""
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self._interpreter.invoke()
            times.append(1000 * (time.perf_counter() - start))
        return statistics.median(times)


if __name__ == "__main__":
    main()
