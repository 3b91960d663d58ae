"""Run the benchmarks and write their last figures to benchmarks/README.md: python benchmarks/run_all.py [NAME ...]

Without names all run, one after the other, in about an hour and a half on two cores. A benchmark's row is written when
it ends, so the command can be stopped and the rest be run by name. A benchmark that fails keeps its old row, and the
command exits with 1. The machine should be otherwise idle; the row says how busy it was.
"""

import argparse
import datetime
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
NUMBER = r"([\d.,]+)"


@dataclass(frozen=True)
class Benchmark:
    """A script, what it answers, and where its figures stand in what it prints.

    Attributes:
        command: name of the script without .py, and its arguments.
        question: what it answers, for the table.
        figures: (label, pattern of a line; its groups are shown, joined by " / ").
        needs: the kind of file that has to be given as `--run` or is shipped: "run", "model" or "".
    """

    command: str
    question: str
    figures: tuple
    needs: str = ""

    @property
    def name(self):
        return self.command.split()[0]


def _training(width):
    torch = rf"asc-tf is {NUMBER} \(.*\) x as fast as PyTorch"
    return Benchmark(
        f"models --part training --width {width}",
        f"training step at c = {width}, as a multiple of PyTorch's speed",
        (
            ("PyTorch as installed", rf"{torch}, eager, channels first, default"),
            ("its fastest way", rf"{torch}.*\(wanted"),
            ("the step's limit", rf"asc-tf is at {NUMBER} \(.*\) of the limit"),
            ("clips/s", rf"^  asc-tf +{NUMBER} clips/s"),
        ),
    )


BENCHMARKS = (
    _training(10),
    _training(80),
    Benchmark(
        "models --part inference",
        "inference of a batch, c = 10 and 80: times the speed of PyTorch as installed and of its fastest way",
        (("× (as installed, fastest)", rf"asc-tf is {NUMBER} \(.*\) x as fast"),),
    ),
    Benchmark(
        "networks",
        "training step of BC-Res2Net, in steps of BC-ResNet-ASC of its width (40 and 20; 10 s and 1 s)",
        (
            ("times the step", rf"^  bc_res2net.*: {NUMBER}; first"),
            ("times the first step", rf"first step {NUMBER}"),
        ),
    ),
    Benchmark(
        "deploy",
        "latency and bytes of exported files, c = 10 and 80, 10 s",
        (
            ("int8 / folded", rf"int8 / folded: {NUMBER}"),
            ("folded / straightforward", rf"folded / straightforward: {NUMBER}"),
            ("bytes of int8", rf"bytes of int8: {NUMBER}"),
        ),
    ),
    Benchmark(
        "deploy --lengths --width 10",
        "latency of 8-bit files by length (1, 2, 3, 5, 10 s; hops of 480 and 512 samples), c = 10",
        (("int8 / folded", rf"^ +\d+  \d+  +\d+ +{NUMBER} \("),),
    ),
    Benchmark(
        "runtime",
        "import, memory and processor time of `predict` and `listen`",
        (("", r"^(\S.{57}) +([\d.]+) (\S+) +limit"),),
    ),
    Benchmark(
        "data",
        "speed of features, of batches and of streaming",
        (
            ("features × librosa's", rf"ratio +{NUMBER}  \(wanted: 4.5"),
            ("batches × the training step", rf"ratio +{NUMBER}  \(wanted: 5\)"),
            ("streamed × the step of c = 80", rf"ratio +{NUMBER}  \(wanted: 1\)"),
        ),
    ),
    Benchmark(
        "decoding",
        "TensorFlow's operations, soundfile and tensorflow-io: time beside soundfile's",
        (("", r"^(\S+ \S+) +(\S+) +time +([\d.]+)"),),
    ),
    Benchmark(
        "distributed",
        "two workers on two cores: times the speed of one process on one core",
        (("two workers, two processes, products", rf"^  .{{30}} .*?{NUMBER} x one"),),
    ),
    Benchmark(
        "serve",
        "an answer of the page, in times of decoding and network",
        (("answer, with upload", rf"answer / \(decode \+ model\): {NUMBER}; with the upload {NUMBER}"),),
    ),
    Benchmark(
        "long_recordings",
        "memory and processor time of `predict` for 1 min and 3 h",
        (("", r"^(\w+) +(.+?)  peak +([\d.]+) MB"),),
        needs="model",
    ),
    Benchmark("archive", "the cost of Apache Beam over a folder job", (("", r"^(\S.{27}) +[\d.]+ s, ([\d.]+) of"),)),
    Benchmark(
        "float16",
        "whether features of 16 bits change a decision",
        (("accuracy", r"accuracy ([\d.]+) %"),),
        needs="run",
    ),
    Benchmark(
        "streaming",
        "accuracy of a network with a state in place of a window",
        (("accuracy", r"^(\w.*?) +seen .*all +([\d.]+) %"),),
        needs="run",
    ),
    Benchmark(
        "micro",
        "a microcontroller's interpreter and C frontend beside LiteRT and `predict`",
        (
            ("arena", rf"^arena: {NUMBER} bytes"),
            ("LiteRT's time × --format int8", rf"^in LiteRT: {NUMBER} times"),
            ("same first scene, %", rf"same first scene as predict on {NUMBER} %"),
            ("largest difference of a probability", rf"{NUMBER} in all$"),
        ),
        needs="run",
    ),
    Benchmark(
        "scaling",
        "number of GPUs or workers at which something else becomes the limit",
        (("decoding and log-mel, times real time", rf"takes its log-mel {NUMBER} times"),),
    ),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = list(dict.fromkeys(benchmark.name for benchmark in BENCHMARKS))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--run", metavar="RUN", help="folder of a trained run whose data exist")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; expected {', '.join(names)}")
    failed = []
    for benchmark in BENCHMARKS:
        if arguments.names and benchmark.name not in arguments.names:
            continue
        if benchmark.needs == "run" and not arguments.run:
            print(f"{benchmark.name}: left out, since it needs --run RUN", flush=True)
        elif not measure(benchmark, arguments.run):
            failed.append(benchmark.command)
    if failed:
        sys.exit(f"failed, and keep their old rows: {', '.join(failed)}")


def measure(benchmark, run):
    """Run a benchmark, show what it prints and write its row; False if it failed."""
    script, *arguments = benchmark.command.split()
    arguments += {"run": [run], "model": [shipped_model()], "": []}[benchmark.needs]
    print(f"== {benchmark.command}", flush=True)
    began, printed = time.time(), []
    command = [sys.executable, str(HERE / f"{script}.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    figures = found(benchmark, "".join(printed))
    if process.returncode or figures is None:
        return False
    minutes = (time.time() - began) / 60
    write(row(benchmark, figures, minutes))
    return True


def shipped_model():
    from asc_tf.runtime.shipped import find_model

    return str(find_model("procedural-scenes"))


def found(benchmark, printed):
    """The figures in what a benchmark printed, as one text; None, with a line that says which, if one is missing."""
    texts = []
    for label, pattern in benchmark.figures:
        matches = re.findall(pattern, printed, re.MULTILINE)
        if not matches:
            print(f"{benchmark.command}: no line like {pattern!r}", file=sys.stderr)
            return None
        values = [" ".join(group.strip() for group in m) if isinstance(m, tuple) else m.strip() for m in matches]
        texts.append(f"{label} {' / '.join(values)}".strip())
    return "; ".join(texts)


def row(benchmark, figures, minutes):
    day = datetime.date.today().isoformat()
    where = f"{processor()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[2]:.1f}"
    return f"| `{benchmark.command}` | {benchmark.question} | {minutes:.0f} | {figures} | {day}, {where} |"


def processor():
    """The processor's name as the system gives it."""
    match = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return match[1] if match else "unknown processor"


def write(new):
    """Put a row into the page's table, in place of the one of the same command."""
    PAGE.write_text(with_row(PAGE.read_text(), new))


def with_row(page, new):
    """The page with a row in place of that of the same command; the rows are those of BENCHMARKS, in their order."""
    rows = {benchmark.command: unmeasured(benchmark) for benchmark in BENCHMARKS}
    lines = page.splitlines()
    rows |= {command: line for line in [*lines, new] if (command := command_of(line)) in rows}
    return "\n".join([*(line for line in lines if command_of(line) is None), *rows.values()]) + "\n"


def unmeasured(benchmark):
    return f"| `{benchmark.command}` | {benchmark.question} | - | - | not run yet |"


def command_of(line):
    """The command whose row a line is, or None."""
    match = re.match(r"\| `([^`]+)` \|", line)
    return match[1] if match else None


if __name__ == "__main__":
    main()
