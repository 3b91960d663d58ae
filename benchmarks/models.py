"""Speed and memory of BC-ResNet-ASC, as ratios to the fastest PyTorch: python benchmarks/models.py [--rounds N]

Times, at 256 x 334 inputs with ResNorm at the input and after each stage,

- the training step (forward, backward, SGD with momentum and L2, cross entropy): ours through model.fit on one
  constant batch; PyTorch's of the reference of tests/torch_reference.py, eager and compiled (torch.compile), channels
  first and last, with glibc's default allocator and with one that keeps large tensors (the variables of KEEPING);
- inference, of a batch, likewise.

With glibc's defaults PyTorch maps and unmaps every large tensor again, and most of its step is page faults. So two
ratios are printed: to eager PyTorch with the defaults, and to its fastest way, which is the one that counts. Ours and
the fast ways use huge pages, which `asc-tf train` asks for by itself.

Each side has its own process with all the cores; they take turns, several rounds, and a ratio is the median over the
rounds. Memory is the training process's peak resident memory, in all and beyond its memory before the first step. The
limits of the step, from model_limits.py, take turns with it: the convolutions alone, and the least memory traffic of
the rest; operations that run one after the other cannot be faster than both together. Needs PyTorch (`pip install
torch`), and a C++ compiler for torch.compile; a way that does not run is named.
"""

import argparse
import functools
import itertools
import multiprocessing
import os
import resource
import statistics
import sys
import time
from pathlib import Path

from model_limits import convolutions_side, memory_side

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()
SHAPE, CLASSES = (256, 334), 10
SIZES = {10: 32, 80: 8}  # width: clips a batch
STEPS = {("training", 10): 4, ("training", 80): 1, ("inference", 10): 8, ("inference", 80): 3}
WANTED = {10: "2.0, aim 2.2", 80: "1.8, aim 2.0"}  # of the fastest PyTorch's training step
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
KEEPING = HUGE_PAGES | {
    "MALLOC_MMAP_THRESHOLD_": "2147483648",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
OURS, EAGER = "asc-tf", "PyTorch, eager, channels first, default allocator"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--width", type=int, choices=SIZES, help="this c alone")
    parser.add_argument("--part", choices=["training", "inference"], help="this part alone")
    arguments = parser.parse_args()
    print(f"BC-ResNet-ASC, inputs of {SHAPE[0]} x {SHAPE[1]}, {len(os.sched_getaffinity(0))} cores")
    for width in [arguments.width] if arguments.width else SIZES:
        for part in [arguments.part] if arguments.part else ["training", "inference"]:
            compare(part, width, arguments.rounds)


def compare(part, width, rounds):
    """Let all sides take turns and print clips per second, the ratios and, of training, the memory."""
    builds = {OURS: (keras_side, HUGE_PAGES if part == "training" else {}), **torch_ways()}
    if part == "training":
        limits = {"convolutions alone": convolutions_side, "all else, tensors moved once": memory_side}
        builds |= {name: (side, HUGE_PAGES) for name, side in limits.items()}
    print(f"{part}, c = {width}, batches of {SIZES[width]}")
    sides = {}
    for name, (build, environment) in builds.items():
        side = Side(build, part, width, environment)
        if side.problem:
            print(f"  {name:52} does not run here: {side.problem}", flush=True)
        else:
            sides[name] = side
    speed = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            speed[name].append(side.speed(STEPS[part, width]))
    memory = {name: side.end() for name, side in sides.items()}
    if part == "training":
        pairs = zip(*(speed[name] for name in list(speed)[-2:]), strict=True)
        speed["limit: one after the other"] = [1 / (1 / one + 1 / other) for one, other in pairs]
    medians = {name: statistics.median(values) for name, values in speed.items()}
    fastest = max((name for name in sides if name.startswith("PyTorch")), key=medians.get)
    for name in speed:
        note = "  <- the fastest PyTorch" if name == fastest else ""
        print(f"  {name:52}{medians[name]:8.1f} clips/s{note}", flush=True)
    for name in (EAGER, fastest):
        wanted = f"  (wanted: {WANTED[width]})" if name == fastest and part == "training" else ""
        print(f"  asc-tf is {ratio(speed[OURS], speed[name])} x as fast as {name}{wanted}", flush=True)
    if part == "training":
        print(f"  asc-tf is at {ratio(speed[OURS], speed['limit: one after the other'])} of the limit", flush=True)
        show_memory(memory, fastest)


def ratio(ours, theirs):
    """Median over the rounds, with the least and the largest."""
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def show_memory(memory, fastest):
    (before, peak) = memory[OURS]
    for name in dict.fromkeys((EAGER, fastest)):
        before_theirs, peak_theirs = memory[name]
        print(
            f"  memory: {peak:.0f} MB, {peak - before:.0f} of it by training; {name}: {peak_theirs:.0f} MB, "
            f"{peak_theirs - before_theirs:.0f}; {peak / peak_theirs:.2f} x in all, "
            f"{(peak - before) / (peak_theirs - before_theirs):.2f} x by training  (wanted: at most 1)",
            flush=True,
        )


def torch_ways():
    """{name: (function that builds the side, environment)} for all ways of PyTorch."""
    ways = {}
    for compiled, last, keeping in itertools.product((False, True), (False, True), (False, True)):
        words = "compiled" if compiled else "eager", "last" if last else "first", "keeping" if keeping else "default"
        build = functools.partial(torch_side, compiled=compiled, channels_last=last)
        ways["PyTorch, {}, channels {}, {} allocator".format(*words)] = build, KEEPING if keeping else {}
    return ways


class Side:
    """One side's process: builds its network, warms up, then times steps on request."""

    def __init__(self, build, part, width, environment):
        context = multiprocessing.get_context("spawn")
        self.clips = SIZES[width]
        self.pipe, theirs = context.Pipe()
        # Not daemonic: torch.compile starts processes of its own.
        self.process = context.Process(target=serve, args=(theirs, build, part, width))
        before = dict(os.environ)
        os.environ.update(environment)  # glibc reads it when the process starts
        self.process.start()
        os.environ.clear()
        os.environ.update(before)
        theirs.close()
        self.before, self.problem = self.pipe.recv()

    def speed(self, steps):
        """Clips per second over this many steps."""
        self.pipe.send(steps)
        return steps * self.clips / self.pipe.recv()

    def end(self):
        """(peak memory before the first step, peak memory), in MB."""
        self.pipe.send(0)
        peak = self.pipe.recv()
        self.process.join()
        return self.before, peak


def serve(pipe, build, part, width):
    try:
        run = build(part, width, SIZES[width])
        before = peak_memory()
        run(2)
    except Exception as error:  # the way lacks something: a compiler, say
        pipe.send((0, f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"))
        return
    pipe.send((before, None))
    while steps := pipe.recv():
        start = time.perf_counter()
        run(steps)
        pipe.send(time.perf_counter() - start)
    pipe.send(peak_memory())


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def batch(clips):
    """(features [clips, frequency, time], class numbers [clips])."""
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.normal(0, 1, (clips, *SHAPE)).astype(np.float32), generator.integers(0, CLASSES, clips)


def keras_side(part, width, clips):
    """A function that runs this many of our steps."""
    import numpy as np
    import tensorflow as tf

    import asc_tf

    features, labels = batch(clips)
    features = tf.constant(features[..., np.newaxis])
    model = asc_tf.bc_resnet_asc((*SHAPE, 1), CLASSES, width, norm_position="all")
    if part == "inference":
        infer = tf.function(lambda: model(features, training=False), autograph=False)
        return lambda steps: [infer().numpy() for _ in range(steps)]
    return training(model, features, labels)


def training(model, features, labels):
    """A function that trains the model this many steps on one constant batch of features and class numbers."""
    import tensorflow as tf
    import tf_keras as keras

    import asc_tf

    constant = tf.data.Dataset.from_tensors((features, tf.one_hot(labels, CLASSES))).repeat()
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread delays the end of `fit` by as long as the fit took
    constant = constant.with_options(options)
    model.compile(asc_tf.SGDWithL2(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
    return lambda steps: model.fit(constant, steps_per_epoch=steps, verbose=0)


def torch_side(part, width, clips, compiled=False, channels_last=False):
    """A function that runs this many steps of the reference, in one of PyTorch's ways."""
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from torch_reference import BCResNetASC

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    features, labels = batch(clips)
    features, labels = torch.from_numpy(features).unsqueeze(1), torch.from_numpy(labels)
    model = BCResNetASC(width, CLASSES)
    if channels_last:
        features, model = (x.to(memory_format=torch.channels_last) for x in (features, model))
    network = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=0.001)

    def train():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(features), labels).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            network(features)

    model.train(part == "training")
    step = train if part == "training" else infer
    return lambda steps: [step() for _ in range(steps)]


if __name__ == "__main__":
    main()
