"""Two workers on two cores against one process on one of them: python benchmarks/distributed.py [--rounds N]

Trains BC-ResNet-ASC with ResNorm on random features of 10 s clips (256 x 334) and prints, as clips per second and
ratios to one process pinned to one core,

- two workers of `tf.distribute.MultiWorkerMirroredStrategy` on the loopback, each pinned to a core, that share batches
  of the same size: statistics and gradients synchronized, as `asc-tf train --strategy multi_worker` does;
- two independent processes: the most that the two cores can give for this step;
- matrix products in two such processes: the most that they can give for arithmetic. Two threads of one physical core,
  which a virtual machine may show as two cores, give little more than one.

The script runs in a private network, like workers of `asc-tf launch`. All sides take turns; a ratio is the median over
the rounds. Other programs on the machine disturb it: the load is printed.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()
SHAPE, CLASSES = (256, 334), 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="of each side and round")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=10, help="c")
    arguments = parser.parse_args()
    from asc_tf.distributed.cluster import Cluster
    from asc_tf.distributed.launcher import free_ports

    cores, size, width = sorted(os.sched_getaffinity(0))[:2], arguments.batch_size, arguments.width
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    alone = [Worker(core, size, width) for core in cores]
    group = [Worker(core, size, width, Cluster(addresses, index).to_json()) for index, core in enumerate(cores)]
    for worker in (*alone, *group):
        worker.answer()
    sides = {
        "one process on one core": (alone[:1], "train", size),
        "two workers": (group, "train", size),
        "two processes on their own": (alone, "train", 2 * size),
        "matrix products, one process": (alone[:1], "multiply", 1),
        "matrix products, two": (alone, "multiply", 2),
    }
    speed, cost = {name: [] for name in sides}, {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, (workers, work, amount) in sides.items():
            seconds, processor = run(workers, work, arguments.steps)
            speed[name].append(arguments.steps * amount / seconds)
            cost[name].append(processor / (arguments.steps * amount))
    for worker in (*alone, *group):
        worker.process.kill()
    one, workers, own, product, products = speed.values()
    print(f"BC-ResNet-ASC, c = {width}, batches of {size} clips of 10 s, cores {cores[0]} and {cores[1]}, "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"  one process on one core        {statistics.median(one):7.1f} clips/s")
    for name, values, base, note in (
        ("two workers, synchronized", workers, one, "  (wanted: 1.5)"),
        ("two processes on their own", own, one, "  (limit of this step here)"),
        ("matrix products on both cores", products, product, "  (limit of arithmetic here)"),
    ):
        ratios = sorted(a / b for a, b in zip(values, base, strict=True))
        shown = f"{statistics.median(values):7.1f} clips/s, " if base is one else " " * 17
        print(f"  {name:30} {shown}{statistics.median(ratios):5.2f} x one ({ratios[0]:.2f} to {ratios[-1]:.2f}){note}")
    of_limit = statistics.median(a / b for a, b in zip(workers, own, strict=True))
    print(f"  synchronized workers are at {100 * of_limit:.0f} % of the limit of this step")
    alone, synchronized, beside, *_ = (1000 * statistics.median(values) for values in cost.values())
    print(f"  processor time a clip: {alone:.1f} ms on one core, {beside:.1f} ms beside another, "
          f"{synchronized:.1f} ms synchronized")  # fmt: skip


def run(workers, work, steps):
    """Seconds of all workers together, and their processor time."""
    start = time.perf_counter()
    for worker in workers:
        worker.pipe.send((work, steps))
    processor = sum(worker.answer() for worker in workers)
    return time.perf_counter() - start, processor


class Worker:
    """A process on one core that trains or multiplies on request; with `cluster`, as a member of a group."""

    def __init__(self, core, batch_size, width, cluster=None):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, core, batch_size, width, cluster), daemon=True)
        self.process.start()
        theirs.close()

    def answer(self):
        return self.pipe.recv()


def serve(pipe, core, batch_size, width, cluster):
    os.sched_setaffinity(0, {core})
    if cluster:
        os.environ["TF_CONFIG"] = cluster
    import tensorflow as tf

    from asc_tf.distributed.replicas import make_strategy

    strategy = make_strategy("multi_worker", report=lambda line: None) if cluster else tf.distribute.get_strategy()
    train = training(strategy, batch_size, width)
    matrix = tf.random.normal((1536, 1536))
    multiply = tf.function(lambda: tf.reduce_sum(matrix @ matrix), autograph=False)
    work = {"train": train, "multiply": lambda steps: [multiply().numpy() for _ in range(8 * steps)]}
    for each in work.values():
        each(2)
    pipe.send("ready")
    while True:
        kind, steps = pipe.recv()
        start = time.process_time()
        work[kind](steps)
        pipe.send(time.process_time() - start)


def training(strategy, batch_size, width):
    """A function that trains this many steps."""
    import numpy as np
    import tensorflow as tf
    import tf_keras as keras

    import asc_tf

    share = batch_size // strategy.num_replicas_in_sync
    features = np.random.default_rng(0).normal(0, 1, (share, *SHAPE, 1)).astype(np.float32)
    labels = tf.one_hot(np.arange(share) % CLASSES, CLASSES)
    options = tf.data.Options()
    options.autotune.enabled = False

    def batches(context=None):
        return tf.data.Dataset.from_tensors((features, labels)).repeat().with_options(options)

    with strategy.scope():
        model = asc_tf.bc_resnet_asc((*SHAPE, 1), CLASSES, width, norm_position="all")
        model.compile(asc_tf.SGDWithL2(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
        model.optimizer.build(model.trainable_variables)
    shared = strategy.num_replicas_in_sync > 1
    data = strategy.distribute_datasets_from_function(batches) if shared else batches()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0)


def run_privately():
    """Run this script in a private network, unless it is in one; returns its status, or None."""
    from asc_tf.distributed.launcher import start_of
    from asc_tf.distributed.private_network import private_network

    with private_network() as namespaces:
        if not namespaces:
            return None
        command = [*start_of(sorted(os.sched_getaffinity(0)), namespaces), sys.executable, *sys.argv]
        return subprocess.run(command, pass_fds=namespaces).returncode


if __name__ == "__main__":
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        sys.exit("benchmarks/distributed.py: pins processes to two cores, which needs Linux and two of them")
    if (status := run_privately()) is not None:
        sys.exit(status)
    main()
