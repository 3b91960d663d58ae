"""Speed of the data engine, as ratios within one run: python benchmarks/data.py [--clips N] [--rounds N]

Makes 10 s clips of the embedded data set (44.1 kHz, 24 bits) in a temporary folder and prints

- features: clips per second on one core, `asc_tf.cached_features` (decode, resample, log-mel, float16, checksum, file)
  against soundfile + soxr + librosa.feature.melspectrogram with the same settings; the parts, and the limit they set;
- batches: cached batches with the whole QTI large preset against the training step of BC-ResNet-ASC-1, and training on
  them against training on one constant batch;
- streaming: batches straight from the WAV files against the training step of BC-ResNet-ASC-8.

Sides take turns, several rounds; a ratio is the median over the rounds. Needs the extra `dev` (librosa).
"""

import argparse
import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()
SECONDS, RATE, WINDOW, HOP, FFT, BINS = 10.0, 16000, 2080, 480, 4096, 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=960, help="clips of the data set; 40 recordings under other names")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", choices=["features", "batches", "streaming"], help="run this part alone")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.root:
        return PARTS[arguments.part](arguments.root, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder:
        root = make_data(Path(folder) / "data", arguments.clips)
        for part in [arguments.part] if arguments.part else PARTS:
            # One process for each side: the features' process sees a single core from its start, so that all pools have
            # one thread.
            pin = functools.partial(os.sched_setaffinity, 0, {min(os.sched_getaffinity(0))})
            command = [sys.executable, __file__, "--part", part, "--root", root, "--rounds", str(arguments.rounds)]
            subprocess.run(command, check=True, preexec_fn=pin if part == "features" else None)


def make_data(root, clips, recordings=40):
    """The embedded data set with 10 s clips, and links to them under other names."""
    from asc_tf.data.synthetic import write_synthetic

    write_synthetic(root, clips=recordings, seconds=SECONDS)
    header, *lines = (root / "meta.csv").read_text().splitlines()
    files = [line.split("\t") for line in lines][:recordings]
    table = [header]
    for number in range(clips):
        name, *rest = files[number % len(files)]
        link = Path(name).with_name(f"{number:05d}-{Path(name).name}")
        os.link(root / name, root / link)
        table.append("\t".join([str(link), *rest]))
    (root / "meta.csv").write_text("\n".join(table) + "\n")
    for part, rows in (("train", table[1:-10]), ("evaluate", table[-10:])):
        names = "\n".join(row.split("\t")[0] for row in rows)
        (root / "evaluation_setup" / f"fold1_{part}.csv").write_text(f"filename\n{names}\n")
    return root


def features(root, rounds):
    """Clips per second and core, from WAV file to feature."""
    import librosa
    import numpy as np
    import soundfile
    import soxr

    import asc_tf

    clips = asc_tf.read_clips(root)
    paths = [root / name for name in clips.filename]
    frontend = asc_tf.LogMel()

    def ours():
        with tempfile.TemporaryDirectory(dir=root) as folder:
            asc_tf.cached_features(root, clips, frontend, SECONDS, directory=folder, workers=1)

    def reference(count=240):
        for path in paths[:count]:
            samples, rate = soundfile.read(path, dtype="float32")
            samples = soxr.resample(samples, rate, RATE, quality="HQ")
            librosa.feature.melspectrogram(
                y=samples, sr=RATE, n_fft=FFT, win_length=WINDOW, hop_length=HOP, n_mels=BINS, pad_mode="constant"
            )

    import tensorflow as tf

    waveform = asc_tf.load_waveform(paths[0], RATE)[np.newaxis]
    audio, rate = soundfile.read(paths[0], dtype="float32")
    log_mel = tf.function(lambda waveform: frontend(waveform), autograph=False)
    rfft = tf.function(tf.signal.rfft, autograph=False)
    windows = tf.random.normal((1, 334, FFT))
    parts = {
        "decode (soundfile)": lambda: soundfile.read(paths[0], dtype="float32"),
        "resample (soxr HQ)": lambda: soxr.resample(audio, rate, RATE, quality="HQ"),
        "decode and resample (load_waveform)": lambda: asc_tf.load_waveform(paths[0], RATE),
        "log-mel (LogMel)": lambda: log_mel(waveform),
        "its Fourier transforms alone": lambda: rfft(windows),
        "log-mel (librosa)": lambda: librosa.feature.melspectrogram(
            y=waveform[0], sr=RATE, n_fft=FFT, win_length=WINDOW, hop_length=HOP, n_mels=BINS, pad_mode="constant"
        ),
    }
    speed = take_turns({"ours": (ours, len(clips)), "reference": (reference, 240)}, rounds, time.process_time)
    milliseconds = {
        name: 1000 / median(times[name])
        for times in [
            take_turns({name: (repeat(part, 20), 20) for name, part in parts.items()}, rounds, time.process_time)
        ]
        for name in parts
    }
    print("features, per second of one core's time, clips of 10 s, 44.1 kHz, 24 bits")
    print(f"  asc-tf features                     {median(speed['ours']):7.0f} clips/s")
    print(f"  soundfile + soxr + librosa          {median(speed['reference']):7.0f} clips/s")
    print(f"  ratio                               {ratio(speed, 'ours', 'reference'):7.2f}  (wanted: 4.5)")
    for name, value in milliseconds.items():
        print(f"  {name:36}{value:7.2f} ms")
    limit = milliseconds["resample (soxr HQ)"] + milliseconds["its Fourier transforms alone"]
    print(f"  limit: resampling and Fourier transforms alone would give {1000 / limit:.0f} clips/s; "
          f"we are at {median(speed['ours']) * limit / 10:.0f} % of it")  # fmt: skip


def batches(root, rounds, batch_size=32, steps=12):
    """Cached batches against the training step."""
    import asc_tf
    from asc_tf.experiment.build import augmentation

    config = asc_tf.find_recipe("bc-resnet-asc-1-resnorm").config.with_settings(["augment=qti-large"])
    clips, labels, classes = examples(root)
    source = asc_tf.cached_features(root, clips, asc_tf.LogMel(), SECONDS)
    augment = augmentation(config)
    augmented = asc_tf.training_batches(source, labels, classes, batch_size, augment=augment)
    model, constant = step(config, root, augmented)
    iterator = iter(augmented)
    speed = take_turns(
        {
            "batches": (lambda: [next(iterator) for _ in range(200)], 200 * batch_size),
            "constants": (lambda: model.fit(constant, steps_per_epoch=steps, verbose=0), steps * batch_size),
            "augmented": (lambda: model.fit(augmented, steps_per_epoch=steps, verbose=0), steps * batch_size),
        },
        rounds,
    )
    print(f"batches of {batch_size}, QTI large preset, BC-ResNet-ASC-1, {os.cpu_count()} cores, clips of 10 s")
    print(f"  cached, augmented batches           {median(speed['batches']):7.0f} clips/s")
    print(f"  training step on one constant batch {median(speed['constants']):7.0f} clips/s")
    print(f"  ratio                               {ratio(speed, 'batches', 'constants'):7.2f}  (wanted: 5)")
    slower = 100 * (ratio(speed, "constants", "augmented") - 1)
    print(f"  training on them takes longer by    {slower:7.1f} %  (wanted: below 5)")


def streaming(root, rounds, batch_size=16, steps=2):
    """Batches straight from WAV files against the training step."""
    import asc_tf

    config = asc_tf.find_recipe("bc-resnet-asc-8-resnorm").config
    clips, labels, classes = examples(root)
    from asc_tf.data.stream import StreamedFeatures

    source = StreamedFeatures(root, clips, asc_tf.LogMel(), SECONDS)
    streamed = asc_tf.training_batches(source, labels, classes, batch_size)
    model, constant = step(config, root, streamed)
    iterator = iter(streamed)
    speed = take_turns(
        {
            "stream": (lambda: [next(iterator) for _ in range(20)], 20 * batch_size),
            "constants": (lambda: model.fit(constant, steps_per_epoch=steps, verbose=0), steps * batch_size),
        },
        rounds,
    )
    print(f"streaming, batches of {batch_size}, BC-ResNet-ASC-8, {os.cpu_count()} cores, clips of 10 s")
    print(f"  batches from WAV files              {median(speed['stream']):7.0f} clips/s")
    print(f"  training step on one constant batch {median(speed['constants']):7.1f} clips/s")
    print(f"  ratio                               {ratio(speed, 'stream', 'constants'):7.1f}  (wanted: 1)")


def examples(root):
    import asc_tf

    clips = asc_tf.read_clips(root)
    scenes = asc_tf.scenes_of(clips)
    return clips, asc_tf.label_indices(clips, scenes), len(scenes)


def step(config, root, batches):
    """A compiled, warmed-up network and a data set that repeats one batch."""
    import tensorflow as tf
    import tf_keras as keras

    import asc_tf

    x, y = next(iter(batches))
    constant = tf.data.Dataset.from_tensors((x, y)).repeat()
    model = asc_tf.bc_resnet_asc(x.shape[1:], y.shape[1], width=config.model.width, norm_position="all")
    model.compile(asc_tf.SGDWithL2(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(constant, steps_per_epoch=2, verbose=0)
    return model, constant


def repeat(function, times):
    return lambda: [function() for _ in range(times)]


def take_turns(sides, rounds, clock=time.perf_counter):
    """Clips per second of each side and round; sides are {name: (function, clips)}."""
    speed = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, (function, clips) in sides.items():
            start = clock()
            function()
            if turn:  # the first round warms up
                speed[name].append(clips / (clock() - start))
    return speed


median = statistics.median


def ratio(speed, one, other):
    return median(a / b for a, b in zip(speed[one], speed[other], strict=True))


PARTS = {"features": features, "batches": batches, "streaming": streaming}

if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("benchmarks/data.py: pins processes to a core, which needs Linux")
    main()
