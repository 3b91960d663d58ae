"""The number of GPUs or workers at which network or disk becomes the limit: python benchmarks/scaling.py

Prints the tables of docs/machines.md: first the measured or counted numbers, then the assumptions (above all the speed
of a GPU, since none was available), then the results.
"""

import argparse
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()
SHAPE, CLASSES, CLIP_SECONDS = (256, 334), 10, 10.0
NETWORKS = {"BC-ResNet-ASC-1": 10, "BC-ResNet-ASC-8": 80}
HOURS = {"TAU 2020 Mobile": 64, "archive": 100_000}
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Assumed:
    """Numbers that were not measured."""

    gpu_clips_per_second: tuple = (500, 2000)
    gigabits_per_second: tuple = (1, 10, 25)
    message_seconds: tuple = (50e-6, 5e-6)
    """from one worker to the next: over Ethernet, between GPUs of one machine"""
    disk_megabytes_per_second: tuple = (200, 1000, 5000)
    clips_a_replica: int = 64
    loss: float = 0.2
    """share of the time allowed for communication"""


@dataclass(frozen=True)
class Step:
    """The data that the replicas of one network send each other in a step."""

    parameters: int
    gradient_bytes: int
    normalized: int
    """pairs of mean and variance"""
    messages: int

    def statistics_bytes(self, replicas):
        """The table of all means and variances, and the sums of two gradients."""
        return FLOAT * self.normalized * (2 * replicas + 2)

    def seconds(self, replicas, gigabits, message_seconds):
        """Ring all-reduce: every message goes around twice, except for the last hop."""
        hops = 2 * (replicas - 1)
        bytes_ = hops / replicas * (self.gradient_bytes + self.statistics_bytes(replicas))
        return bytes_ * 8 / (gigabits * 1e9) + self.messages * hops * message_seconds


def step_of(width):
    """Counted from the network's layers."""
    import asc_tf
    from asc_tf.layers import BatchNormalization

    model = asc_tf.bc_resnet_asc((*SHAPE, 1), CLASSES, width, norm_position="all")
    parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    norms = [
        layer for layer in model.layers if isinstance(layer, (BatchNormalization, asc_tf.SubSpectralNormalization))
    ]
    normalized = sum(math.prod(norm.gamma.shape) for norm in norms)
    # For each normalization the statistics, then both sums together; all gradients at once; four values of metrics.
    return Step(parameters, FLOAT * parameters, normalized, 2 * len(norms) + 1 + 4)


def measured_input(clips=24):
    """(bytes of a cached clip, bytes of its WAV file, clips a core decodes and turns into log-mel a second)."""
    import numpy as np
    import soundfile
    import tensorflow as tf

    import asc_tf

    frontend = asc_tf.LogMel()
    log_mel = tf.function(frontend, autograph=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, int(CLIP_SECONDS * 44100))
        soundfile.write(path, noise, 44100, "PCM_24")
        size = path.stat().st_size
        for _warm in range(2):  # the first one warms up
            start = time.process_time()
            for _ in range(clips):
                features = log_mel(asc_tf.load_waveform(path, frontend.sample_rate_hz)[np.newaxis])
            speed = clips / (time.process_time() - start)
    return 2 * features.numpy()[0].size, size, speed


def most(fits, limit=4096):
    """Largest fitting number up to the limit, if the numbers up to some size fit."""
    count = 1
    while count < limit and fits(count + 1):
        count += 1
    return count


def show(number, limit=4096):
    return f"over {limit}" if number >= limit else f"{number:,}"


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    assumed = Assumed()
    steps = {name: step_of(width) for name, width in NETWORKS.items()}
    cached, wav, speed = measured_input()
    print("Measured or counted\n")
    print("| network | parameters | gradients a step | statistics, 2 and 64 replicas | messages a step |")
    print("|---|---|---|---|---|")
    for name, step in steps.items():
        sent = ", ".join(f"{step.statistics_bytes(replicas) / 1e6:.3f}" for replicas in (2, 64))
        print(f"| {name} | {step.parameters:,} | {step.gradient_bytes / 1e6:.3f} MB | {sent} MB | {step.messages} |")
    print(f"\nA clip of {CLIP_SECONDS:g} s: {cached:,} bytes in the feature cache, {wav:,} as a WAV file of 24 bits;")
    print(f"one core decodes it and takes its log-mel {speed:.0f} times a second of its time.\n\nAssumed\n")
    gpus, far, near = " or ".join(f"{s:,}" for s in assumed.gpu_clips_per_second), *assumed.message_seconds
    print(
        f"{gpus} clips/s a GPU, {assumed.clips_a_replica} clips a replica and step, {1e6 * far:g} µs a message and hop"
    )
    print(f"over Ethernet, {1e6 * near:g} µs within a machine, at most {100 * assumed.loss:g} % of the time for")
    print("communication.\n")
    network_table(steps, assumed)
    disk_table(cached, wav, speed, assumed)
    data_table(cached, wav, speed, assumed)


def network_table(steps, assumed):
    gpus = assumed.gpu_clips_per_second
    print("Most workers before communication takes more than that\n")
    print(f"| network | Gbit/s | {' | '.join(f'{s:,} clips/s' for s in gpus)} | first of them, its bytes alone |")
    print("|---|---|" + "---|" * (len(gpus) + 1))
    links = [(f"{g:g}", g, assumed.message_seconds[0]) for g in assumed.gigabits_per_second]
    links.append(("400, one machine", 400, assumed.message_seconds[1]))
    for name, step in steps.items():
        for label, gigabits, message in links:

            def within(speed, latency):
                compute = assumed.clips_a_replica / speed
                allowed = compute * assumed.loss / (1 - assumed.loss)
                return show(most(lambda n: step.seconds(n, gigabits, latency) <= allowed))  # noqa: B023

            counts = [within(speed, message) for speed in gpus]
            print(f"| {name} | {label} | {' | '.join(counts)} | {within(gpus[0], 0.0)} |")
    print()


def disk_table(cached, wav, speed, assumed):
    gpus = assumed.gpu_clips_per_second
    print("Most GPUs that a shared disk feeds (cached features; WAV files), and cores a GPU to stream WAV files\n")
    print(f"| MB/s | {' | '.join(f'{s:,} clips/s' for s in gpus)} |\n|---|{'---|' * len(gpus)}")
    for rate in assumed.disk_megabytes_per_second:
        fed = [f"{rate * 1e6 / (s * cached):.1f}; {rate * 1e6 / (s * wav):.2f}" for s in gpus]
        print(f"| {rate:,} | {' | '.join(fed)} |")
    print(f"| cores a GPU | {' | '.join(f'{s / speed:.1f}' for s in gpus)} |\n")


def duration(seconds):
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 3600:.1f} h"


def data_table(cached, wav, speed, assumed):
    gpu = assumed.gpu_clips_per_second[0]
    print(f"Sizes and times, {gpu:,} clips/s a GPU, no limit reached\n")
    print("| data | clips | WAV | cache | core-hours to fill it | an epoch on 1 GPU | on 8 | on 64 |")
    print("|---|---|---|---|---|---|---|---|")
    for name, hours in HOURS.items():
        clips = hours * 3600 / CLIP_SECONDS
        epochs = [duration(clips / gpu / count) for count in (1, 8, 64)]
        print(f"| {name}, {hours:,} h | {clips:,.0f} | {clips * wav / 1e9:,.0f} GB | {clips * cached / 1e9:,.1f} GB | "
              f"{clips / speed / 3600:,.2f} | {' | '.join(epochs)} |")  # fmt: skip


if __name__ == "__main__":
    main()
