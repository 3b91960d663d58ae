"""Speed and memory of BC-ResNet-ASC, as ratios to eager PyTorch: python benchmarks/models.py [--rounds N]

Times, at 256 x 334 inputs with ResNorm at the input and after each stage,

- the training step (forward, backward, SGD with momentum and L2, cross entropy): ours through model.fit on one
  constant batch, the reference of tests/torch_reference.py in eager PyTorch, channels first, as the authors' code is;
- inference, of a batch.

Each side has a process of its own with all the cores; they take turns, several rounds, and a ratio is the median over
the rounds. Memory is the training process's peak resident memory, in all and beyond what it held before its first
step. What limits the step, of model_limits.py, takes turns with it: the convolutions alone, and the least traffic with
memory of all else; what runs one operation after the other cannot be faster than both together.
Needs PyTorch (`pip install torch`).
"""

import argparse
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
WANTED = {("training", 10): "3, aim 4", ("training", 80): "6, aim 7"}


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
    """Let both sides take turns and print clips per second, the ratio and, of training, the memory."""
    builds = {"asc-tf": keras_side, "PyTorch": torch_side}
    if part == "training":
        builds |= {"convolutions alone": convolutions_side, "all else, tensors moved once": memory_side}
    sides = {name: Side(build, part, width) for name, build in builds.items()}
    speed = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            speed[name].append(side.speed(STEPS[part, width]))
    memory = {name: side.end() for name, side in sides.items()}
    if part == "training":
        pairs = zip(*(speed[name] for name in list(speed)[2:]), strict=True)
        speed["limit: one after the other"] = [1 / (1 / one + 1 / other) for one, other in pairs]
    print(f"{part}, c = {width}, batches of {SIZES[width]}")
    for name, values in speed.items():
        ratios = sorted(ours / theirs for ours, theirs in zip(values, speed["PyTorch"], strict=True))
        wanted = f"  (wanted: {WANTED[part, width]})" if name == "asc-tf" and part == "training" else ""
        print(f"  {name:32}{statistics.median(values):8.1f} clips/s, {statistics.median(ratios):5.2f} x PyTorch "
              f"({ratios[0]:.2f} to {ratios[-1]:.2f}){wanted}", flush=True)  # fmt: skip
    if part == "training":
        (before, peak), (before_theirs, peak_theirs) = memory["asc-tf"], memory["PyTorch"]
        print(f"  peak memory, asc-tf               {peak:8.0f} MB, {peak - before:.0f} MB of it by training")
        print(f"  peak memory, PyTorch              {peak_theirs:8.0f} MB, {peak_theirs - before_theirs:.0f} MB of it")
        print(f"  ratios                            {peak / peak_theirs:8.2f} in all, "
              f"{(peak - before) / (peak_theirs - before_theirs):.2f} by training  (wanted: at most 1)",
              flush=True)  # fmt: skip


class Side:
    """One side's process: builds its network, warms up, then times steps when told to."""

    def __init__(self, build, part, width):
        context = multiprocessing.get_context("spawn")
        self.clips = SIZES[width]
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, build, part, width), daemon=True)
        self.process.start()
        theirs.close()
        self.before = self.pipe.recv()

    def speed(self, steps):
        """Clips per second over so many steps."""
        self.pipe.send(steps)
        return steps * self.clips / self.pipe.recv()

    def end(self):
        """(peak memory before the first step, peak memory), in MB."""
        self.pipe.send(0)
        peak = self.pipe.recv()
        self.process.join()
        return self.before, peak


def serve(pipe, build, part, width):
    run = build(part, width, SIZES[width])
    before = peak_memory()
    run(2)
    pipe.send(before)
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
    """A function that runs so many steps of ours."""
    import numpy as np
    import tensorflow as tf
    import tf_keras as keras

    import asc_tf

    features, labels = batch(clips)
    features = tf.constant(features[..., np.newaxis])
    model = asc_tf.bc_resnet_asc((*SHAPE, 1), CLASSES, width, norm_position="all")
    if part == "inference":
        infer = tf.function(lambda: model(features, training=False), autograph=False)
        return lambda steps: [infer().numpy() for _ in range(steps)]
    constant = tf.data.Dataset.from_tensors((features, tf.one_hot(labels, CLASSES))).repeat()
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread holds up the end of `fit` for as long as the fit took
    constant = constant.with_options(options)
    model.compile(asc_tf.SGDWithL2(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
    return lambda steps: model.fit(constant, steps_per_epoch=steps, verbose=0)


def torch_side(part, width, clips):
    """A function that runs so many steps of the reference."""
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from torch_reference import BCResNetASC

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    features, labels = batch(clips)
    features, labels = torch.from_numpy(features).unsqueeze(1), torch.from_numpy(labels)
    model = BCResNetASC(width, CLASSES)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=0.001)

    def train():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(features), labels).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            model(features)

    model.train(part == "training")
    step = train if part == "training" else infer
    return lambda steps: [step() for _ in range(steps)]


if __name__ == "__main__":
    main()
