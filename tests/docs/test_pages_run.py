"""The commands of the pages do what the pages say: they are run one after the other, on small data in place of TAU."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from report_pages import FEW_PICTURES_BYTES

from asc_tf.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
SMALL = {
    "train.epochs": "1", "train.warmup_epochs": "0",
    "train.batch_size": "32", "frontend.mel_bins": "32", "data.validation_fraction": "0",
}  # fmt: skip
NETWORK = {  # a search has its own
    "train": {"model.network": "cp-mobile", "model.width": "8", "model.depth": "1"},
    "search": {"model.depth": "1,1,1,1"},
}
SHORT = {
    "compress": {"--epochs": "1"}, "search": {"--epochs": "1", "--trials": "1"}, "evaluate": {"--seeds": "2"},
}  # fmt: skip
PAGES = [
    "using-a-model",
    "shipped-models",
    "compression",
    "microcontroller",
    "tau",
    "search",
    "reports",
    "explain-and-serve",
]
# Commands that are run elsewhere (pipelines, searches, Beam's processes, trackers, public checkpoints, larger data),
# or by nobody: a download of 40 GB, a microphone, a server that has no end.
ELSEWHERE = (
    r"asc-tf (data download|listen scenes.tflite|serve|search .*--algorithm bayesian)"
    r"|--tracker|--shards|arecord|\.sh |base|searched|c40|CPM|tsne|ESC10 --(out|recipe) search|TAU22|DEVICES"
)


@pytest.fixture(scope="module")
def place(synthetic_root, smallest_run, eager, tmp_path_factory):
    """A folder with everything that the pages name: data sets, runs, files, recordings."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("TAU", "ESC10"):
        (folder / name).symlink_to(synthetic_root)
    for name in ("saved_models/mine", "saved_models/resnorm", "saved_models/pre-resnorm", "RUN", "RUN1", "RUN2"):
        shutil.copytree(smallest_run, folder / name)
    assert main(["export", str(folder / "RUN"), "--input", "features"]) == 0
    for name in ("scenes.tflite", "saved_models/mine/model.tflite"):
        shutil.copy(folder / "RUN" / "model.tflite", folder / name)
    (folder / "recordings").mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000 * 12)
    for name in ("recording.wav", "long.wav", "street.wav", "recordings/a.wav"):
        soundfile.write(folder / name, noise, 16000)
    return folder


def commands(page):
    """The page's commands, without comments, joined where they go on, short where training is long."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^    ((?:asc-tf|arecord|examples/).*)$", text, re.MULTILINE):
        for command in line.split(" && "):
            if not re.search(ELSEWHERE, command):
                yield shortened(shlex.split(command, comments=True)[1:])


def shortened(command):
    name, settings = command[0], {}
    if "--set" in command:
        at = command.index("--set")
        command, settings = command[:at], dict(each.split("=", 1) for each in command[at + 1 :])
    if name in NETWORK:
        settings |= SMALL | NETWORK[name]
    if name == "search":
        settings["data.validation_fraction"] = "0.25"
    for flag, value in SHORT.get(name, {}).items():
        if flag in command:
            at = command.index(flag)
            command = command[:at] + command[at + 2 :]
        command = [*command, flag, value]
    return [*command, *(["--set", *(f"{key}={value}" for key, value in settings.items())] if settings else [])]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(page, place, monkeypatch, capsys):
    if page in ("reports", "explain-and-serve"):
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(place)
    monkeypatch.setattr("asc_tf.report.page.EMBEDDED_BYTES", FEW_PICTURES_BYTES)
    done = 0
    for command in commands(page):
        if command[0] == "train":  # anew: the folder may hold the copy that other pages use
            shutil.rmtree(command[command.index("--run") + 1], ignore_errors=True)
        assert main(command) == 0, f"asc-tf {shlex.join(command)}: {capsys.readouterr().err}"
        done += 1
    assert done >= 2
