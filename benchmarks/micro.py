"""A run's network on a microcontroller beside LiteRT and `asc-tf predict`: python benchmarks/micro.py RUN [--clips N]

The network is exported as for `asc-tf export RUN --target micro` and runs in `tflite-micro`'s interpreter
(`pip install ".[micro]"`), first on LiteRT's own features, then on those that the C frontend, compiled with gcc, makes
of int16 samples. Clips are those of the test part of RUN's data set.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from asc_tf.quiet import silence_tensorflow

silence_tensorflow()

from asc_tf.data.clips import read_clips
from asc_tf.data.loader import label_indices
from asc_tf.data.waveforms import Cut
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.export.tflite import keras_probabilities
from asc_tf.micro.arena import measured_arena, micro_interpreter, run
from asc_tf.micro.folder import write_micro_folder
from asc_tf.micro.selftest import as_int16, features_of
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.latency import latencies, latency_ratio
from asc_tf.stages.exporting import export

PROBE = Path(__file__).resolve().parents[1] / "tests" / "micro" / "probe.c"
ARITHMETICS = ("floating point", "fixed point")
AT_ONCE = 40


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a trained run whose data set still exists")
    parser.add_argument("--clips", type=int, help="number of clips, evenly spread; default: the whole test part")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        export(arguments.run, file, format="int8", input="features", least_memory=True)
        arena = measured_arena(file.read_bytes())
        if arena is None:
            sys.exit('tflite-micro is not installed; expected it by pip install ".[micro]" (Python 3.11)')
        print(f"arena: {arena.bytes:,} bytes = {arena.maps:,} of maps + {arena.records:,} of records", flush=True)
        show_latency(arguments.run, file, Path(folder) / "fast.tflite")
        write_micro_folder(file, Path(folder) / "c", arguments.run.name)
        compare(arguments.run, file, [compiled(Path(folder) / "c", fixed) for fixed in (0, 1)], arguments.clips)


def show_latency(run_folder, file, fast):
    """Print how many times as long the file takes as `--format int8`'s, both in LiteRT on one thread, in turns."""
    export(run_folder, fast, format="int8", input="features")
    latency = latencies({path: path.read_bytes() for path in (file, fast)}, rounds=15, runs=20)
    print(f"in LiteRT: {latency_ratio(latency[file], latency[fast]):.2f} times as long as --format int8", flush=True)


def compare(run_folder, file, programs, clips_wanted):
    """Print agreement and scores of LiteRT, of the interpreter for microcontrollers, and of C and interpreter."""
    config, dataset = read_run(run_folder)
    clips = read_clips(dataset.root)
    clips = clips[clips.split == "test"]
    clips = clips.iloc[np.linspace(0, len(clips) - 1, min(clips_wanted or len(clips), len(clips))).astype(int)]
    classifier, cut = Classifier(file), Cut(config.frontend.sample_rate_hz, dataset.clip_seconds)
    samples = np.concatenate([as_int16(cut.load(Path(dataset.root) / name)[:1]) for name in clips.filename])
    waveforms = samples.astype(np.float32) / 32768
    of = {"Keras": keras_probabilities(build_frontend(config), load_model(run_folder), waveforms)}
    of["predict"] = np.array([classifier.classify(one, config.frontend.sample_rate_hz) for one in waveforms])
    features = features_of(classifier, file)
    of["tflite-micro"] = answers(file, (features(one)[np.newaxis] for one in waveforms))
    for name, program in zip(ARITHMETICS, programs, strict=True):
        of[f"C, {name}"] = answers(file, features_in_c(program, samples, classifier.metadata.features))
    for name, found in list(of.items())[2:]:
        kind = "from LiteRT's features" if name == "tflite-micro" else f"from int16 samples, {name[3:]}"
        print(agreement(kind, of["predict"], found))
    labels = label_indices(clips, dataset.scenes)
    for name, found in of.items():
        right = 100 * (found.argmax(axis=1) == labels).mean()
        loss = -np.log(np.maximum(found[np.arange(len(labels)), labels], 1e-7)).mean()
        divergence = (of["Keras"] * np.log(np.maximum(of["Keras"], 1e-7) / np.maximum(found, 1e-7))).sum(axis=1).mean()
        print(f"{name:18} accuracy {right:.1f} %  log loss {loss:.3f}  divergence from Keras {divergence:.4f}")


def compiled(folder, fixed):
    """The C frontend's program that gives the int8 features of int16 samples, window after window."""
    program = folder / f"probe{fixed}"
    sources = sorted({*folder.glob("asc_*.c")} - {folder / "asc_model.c", folder / "asc_test_vector.c"})
    macros = [f"-DASC_FIXED_POINT={fixed}", "-DASC_STEP_FRAMES=0"]
    subprocess.run(["gcc", "-std=c99", "-O2", *macros, f"-I{folder}", *sources, PROBE, "-o", program], check=True)
    return program


def features_in_c(program, samples, shape):
    """int8 [1, frequency, time, 1] of each row of samples."""
    for start in range(0, len(samples), AT_ONCE):
        rows = samples[start : start + AT_ONCE]
        said = subprocess.run([program, "windows", "512"], input=rows.tobytes(), capture_output=True, check=True).stdout
        yield from np.frombuffer(said, np.int8).reshape(len(rows), -1)[:, 1:].reshape(-1, 1, *shape, 1)


def answers(file, features):
    """Probabilities [clips, classes] of the interpreter for microcontrollers."""
    interpreter = micro_interpreter(file.read_bytes())
    return np.array([run(interpreter, each).copy() for each in features])


def agreement(kind, expected, found):
    same = 100 * (expected.argmax(axis=1) == found.argmax(axis=1)).mean()
    difference = np.abs(expected - found).max(axis=1)
    return (
        f"{kind}: the same first scene as predict on {same:.2f} % of {len(found)} clips; largest difference of a "
        f"probability: {difference.mean():.3f} in the mean, {np.quantile(difference, 0.99):.3f} in 99 % of the clips, "
        f"{difference.max():.3f} in all"
    )


if __name__ == "__main__":
    main()
