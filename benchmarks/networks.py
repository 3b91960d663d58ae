"""The training step of networks beside BC-ResNet-ASC's of the same width: python benchmarks/networks.py [--rounds N]

A step is forward, backward and SGD with momentum and L2 on one constant batch, through model.fit. Prints for features
of 10 s and of 1 s how many times as long it takes, and the same of the first step, which builds and traces the graph.
Networks take turns in one process, and a ratio is the median over the rounds.
"""

import argparse
import functools
import statistics
import time

from models import CLASSES, training

WANTED = 2.5
FRAMES = {334: 8, 32: 64}  # of features: clips a batch
CASES = (("bc_res2net", 40, {"scale": 4}), ("bc_res2net", 20, {"scale": 5}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"training step, times that of BC-ResNet-ASC of the same width (wanted: at most {WANTED})")
    for name, width, arguments in CASES:
        for frames, clips in FRAMES.items():
            compare(name, width, arguments, frames, clips, rounds)


def compare(name, width, arguments, frames, clips, rounds):
    steps = [
        stepper("bc_resnet_asc", frames, clips, width=width),
        stepper(name, frames, clips, width=width, **arguments),
    ]
    first = [seconds(step) for step in steps]
    pairs = [[seconds(step) for step in steps] for _ in range(rounds)]
    ratio = statistics.median(other / one for one, other in pairs)
    print(f"  {name} of width {width}, 256 x {frames}: {ratio:.2f}; first step {first[1] / first[0]:.2f}", flush=True)


def stepper(name, frames, clips, **arguments):
    """A function without arguments that trains a network for one step."""
    import numpy as np

    import asc_tf

    model = getattr(asc_tf, name)((256, frames, 1), CLASSES, norm_position="all", **arguments)
    generator = np.random.default_rng(0)
    features = generator.normal(0, 1, (clips, *model.input_shape[1:])).astype(np.float32)
    return functools.partial(training(model, features, generator.integers(0, CLASSES, clips)), 1)


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
